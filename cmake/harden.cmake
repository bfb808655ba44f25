# Hardening of what is shipped: harden(TARGET) gives the flags that this compiler and linker know to whoever links TARGET.
#
# Checked copies (_FORTIFY_SOURCE), stack canaries, no jump over a guard page, control-flow marks for the CPU, code at a random
# address, relocations read-only after the start, no executable stack. tests/style/hardening.sh reads them from the binaries.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

function(harden target)
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "HARDEN${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
      target_compile_options(${target} INTERFACE ${flag})
    endif()
  endforeach()
  # Not CMake's own property: that compiles libraries with -fPIC, which forbids inlining what others might replace.
  target_compile_options(${target} INTERFACE -fPIE)
  target_link_options(${target} INTERFACE -pie)
  # Needs optimisation; some distributions' compilers bring another value along.
  target_compile_options(${target} INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
  foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
    string(MAKE_C_IDENTIFIER "HARDEN${flag}" known)
    check_linker_flag(C ${flag} ${known})
    if(${known})
      target_link_options(${target} INTERFACE ${flag})
    endif()
  endforeach()
endfunction()
