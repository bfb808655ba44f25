# Writes schemas/avsc_text.c: one row per .avsc file, {name, text}, sorted by name, ended by {NULL, NULL}.
list(SORT FILES)
set(out "#include \"schemas/schemas.h\"\n\nconst struct schema_text schema_texts[] = {\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" escaped "${hex}")
  # String literals have a portable limit; split into pieces of 100 bytes.
  string(REGEX REPLACE "((\\\\x[0-9a-f][0-9a-f]){1,100})" "        \"\\1\"\n" pieces "${escaped}")
  string(APPEND out "    {\"${name}\",\n${pieces}    },\n")
endforeach()
string(APPEND out "    {NULL, NULL},\n};\n")
file(WRITE ${OUT} "${out}")
