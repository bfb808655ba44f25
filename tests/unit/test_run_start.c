/* A start that cannot go on ends before Kafka hears of it. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "consumer/commands/commands.h"

_Atomic sig_atomic_t stop_requested; /* main.c has it in the program */

/* Its twin holds the address and works: the group and the transactions must not be taken from it.
 * The broker is not even asked: nobody answers there, which would be another exit code. */
static void test_taken_address(void **state) {
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    char http[32];
    snprintf(http, sizeof http, "--http=127.0.0.1:%u", ntohs(address.sin_port));
    char *arguments[] = {"run", "--brokers=127.0.0.1:1", http, NULL};
    assert_int_equal(command_run(3, arguments), COMMAND_FAILED);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
