/* bench_commands: the verbs of `promostream bench`. Private to it. */
#ifndef PROMOSTREAM_COMMANDS_BENCH_COMMANDS_H
#define PROMOSTREAM_COMMANDS_BENCH_COMMANDS_H

/* argv[0] is the verb. Each returns an enum command_exit. */
int command_bench_room(int argc, char **argv);
int command_bench_engine(int argc, char **argv);
int command_bench_end_to_end(int argc, char **argv);

#endif
