#!/usr/bin/env bash
# PyTorch for the tables, without installing anything: Debian 12's python3-torch (1.13.1, CPU) and what it needs are unpacked
# into PROMOSTREAM_CACHE, once (150 MB to fetch, 620 MB on disk), and the command that runs Python with it is printed. PyPI
# has no build for the CPU: its wheels (500 to 900 MB) do not import without NVIDIA's, another 2 GB ("libcublas.so.* not
# found"). Exit 1, with a message, where there is no apt.
set -euo pipefail
folder=${PROMOSTREAM_CACHE:-$HOME/.cache/promostream}/torch
if [ ! -x "$folder/python3" ]; then
    command -v apt-get >/dev/null || {
        echo "torch.sh: no apt-get here: the tables go without PyTorch" >&2
        exit 1
    }
    rm -rf "$folder"
    mkdir -p "$folder/debs" "$folder/root"
    # What would be installed anew; what is there already serves as it is.
    apt-get install -s --no-install-recommends python3-torch | awk '/^Inst/ && $3 !~ /^\[/ { print $2 }' >"$folder/packages"
    (cd "$folder/debs" && xargs -r apt-get download -q <../packages >../log 2>&1) || {
        tail -n 3 "$folder/log" >&2
        exit 1
    }
    for package in "$folder"/debs/*.deb; do
        dpkg -x "$package" "$folder/root"
    done
    rm -r "$folder/debs"
    libraries=$(find "$folder/root/lib" "$folder/root/usr/lib" -name '*.so*' -printf '%h\n' | sort -u |
        grep -v -e python -e modules -e gconv -e plugins | paste -sd:)
    cat >"$folder/run" <<END
#!/bin/sh
export LD_LIBRARY_PATH='$libraries' PYTHONPATH='$folder/root/usr/lib/python3/dist-packages'
exec /usr/bin/python3 "\$@"
END
    chmod +x "$folder/run"
    "$folder/run" -c 'import torch' >&2
    mv "$folder/run" "$folder/python3"
fi
echo "$folder/python3"
