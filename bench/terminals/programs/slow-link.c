/*
 * A link of so many bytes a second towards the client, unhindered the other way; what waits on the way is a few KiB, as
 * in a modem. Usage: slow-link BYTES_PER_SECOND PORT: carries one connection at a time to that port of this machine.
 * Prints the port it listens on (127.0.0.1). Ends when its standard input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 4 * 1024, STEP = 1400, UPWARDS = 16 * 1024 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int write_all(int descriptor, const char *bytes, ssize_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written <= 0) return -1;
    bytes += written;
    count -= written;
  }
  return 0;
}

static int dial(int port) {
  int yes = 1, buffer = BUFFER;
  int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  /* Before connect: it decides the window the server is told. */
  setsockopt(server, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(server, (struct sockaddr *)&address, sizeof address) == 0) return server;
  close(server);
  return -1;
}

/* Until either side ends. */
static void carry(int client, int server, double rate) {
  char bytes[UPWARDS];
  double next = now();
  for (;;) {
    double wait = next - now();
    struct pollfd watched[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = client, .events = POLLIN},
        {.fd = wait > 0 ? -1 : server, .events = POLLIN},
    };
    if (poll(watched, 3, wait > 0 ? (int)(wait * 1000) + 1 : -1) == -1) return;
    if (watched[0].revents) exit(0);
    if (watched[1].revents) {
      ssize_t count = read(client, bytes, sizeof bytes);
      if (count <= 0 || write_all(server, bytes, count) == -1) return;
    }
    if (watched[2].revents) {
      ssize_t count = read(server, bytes, STEP);
      if (count <= 0 || write_all(client, bytes, count) == -1) return;
      double free_at = next > now() - 0.05 ? next : now();
      next = free_at + count / rate;
    }
  }
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  signal(SIGPIPE, SIG_IGN);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr *)&address, size) == -1 || listen(listener, 8) == -1) return 1;
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    struct pollfd watched[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
    if (poll(watched, 2, -1) == -1) return 1;
    if (watched[0].revents) return 0;
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int server = dial(atoi(arguments[2]));
    if (client != -1 && server != -1) carry(client, server, atof(arguments[1]));
    if (client != -1) close(client);
    if (server != -1) close(server);
  }
}
