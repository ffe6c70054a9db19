/* What `cambist bench` can measure. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

int bench_http(int argc, char **argv);

#endif
