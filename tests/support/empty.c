/* A static library needs one source even when no support file is there. */
int test_support_is_linked;
