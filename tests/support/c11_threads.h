/* c11_threads: lets ThreadSanitizer see librdkafka's threads and locks; nothing in other builds. */
#ifndef PROMOSTREAM_TESTS_SUPPORT_C11_THREADS_H
#define PROMOSTREAM_TESTS_SUPPORT_C11_THREADS_H

/* Does nothing but make the linker take this file; call it from any test that runs clients. */
void c11_threads_use(void);

#endif
