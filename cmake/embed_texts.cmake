# Writes OUT: a C array of {name, text}, one row per file, sorted by name, ended by {NULL, NULL}.
#   -DOUT=... -DFILES=a;b -DHEADER=schemas/schemas.h -DARRAY="struct schema_text schema_texts"
list(SORT FILES)
# A piece is 32 bytes, 64 hex digits: CMake's regular expressions have no repeat counts.
string(REPEAT "." 64 piece)
set(out "#include \"${HEADER}\"\n\nconst ${ARRAY}[] = {\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} hex HEX)
  string(REGEX MATCHALL "${piece}|..+" pieces "${hex}")
  string(APPEND out "    {\"${name}\",\n")
  foreach(hex ${pieces})
    string(REGEX REPLACE "(..)" "\\\\x\\1" escaped "${hex}")
    string(APPEND out "     \"${escaped}\"\n")
  endforeach()
  string(APPEND out "    },\n")
endforeach()
string(APPEND out "    {NULL, NULL},\n};\n")
file(WRITE ${OUT} "${out}")
