/*
 * The least that can be done between a PTY and a socket: what this machine allows, for the column "limit". One read of at
 * most 8 KiB a PTY and turn, so that a flood leaves the others their turns; no frames, no login, nothing kept.
 * Prints the port it listens on (127.0.0.1). A connection says in one line "COLS ROWS" and the program's arguments,
 * separated by 0x1f; from then on bytes go both ways. Its end ends the program. Ends when its standard input does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURN = 8 * 1024, REQUEST = 4096, ARGUMENTS = 32, EVENTS = 64 };

struct connection;

/* What epoll hands back. */
struct end {
  struct connection *of;
  int descriptor;
};

struct connection {
  struct end socket;
  struct end pty; /* -1: the request has not come yet */
  pid_t child;
  size_t requested;
  char request[REQUEST];
  size_t from, until; /* of `held` */
  char held[TURN];    /* read from the PTY and not taken by the socket */
};

static int events;

static void watch(int operation, struct end *end, uint32_t what) {
  struct epoll_event event = {.events = what, .data.ptr = end};
  epoll_ctl(events, operation, end->descriptor, &event);
}

/* The memory stays: an event of this turn may still name it. */
static void hang_up(struct connection *connection) {
  if (connection->socket.descriptor != -1) close(connection->socket.descriptor);
  if (connection->pty.descriptor != -1) {
    close(connection->pty.descriptor);
    kill(-connection->child, SIGKILL);
  }
  connection->socket.descriptor = connection->pty.descriptor = -1;
}

static int start(struct connection *connection) {
  char *arguments[ARGUMENTS + 1];
  int count = 0;
  struct winsize size = {0};
  char *rest = connection->request;
  if (sscanf(strsep(&rest, "\x1f"), "%hu %hu", &size.ws_col, &size.ws_row) != 2) return -1;
  while (count < ARGUMENTS && rest != NULL) arguments[count++] = strsep(&rest, "\x1f");
  arguments[count] = NULL;
  if (count == 0) return -1;
  connection->child = forkpty(&connection->pty.descriptor, NULL, NULL, &size);
  if (connection->child == -1) return -1;
  if (connection->child == 0) {
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    setenv("TERM", "xterm-256color", 1);
    execvp(arguments[0], arguments);
    _exit(127);
  }
  fcntl(connection->pty.descriptor, F_SETFD, FD_CLOEXEC);
  fcntl(connection->pty.descriptor, F_SETFL, O_NONBLOCK);
  watch(EPOLL_CTL_ADD, &connection->pty, EPOLLIN);
  return 0;
}

static void send_held(struct connection *connection) {
  ssize_t count = send(connection->socket.descriptor, connection->held + connection->from,
                       connection->until - connection->from, MSG_DONTWAIT);
  if (count == -1 && errno != EAGAIN) return hang_up(connection);
  if (count > 0) connection->from += count;
}

static void read_pty(struct connection *connection) {
  ssize_t count = read(connection->pty.descriptor, connection->held, TURN);
  if (count == -1 && errno == EAGAIN) return;
  if (count <= 0) return hang_up(connection);
  connection->from = 0;
  connection->until = count;
  send_held(connection);
  if (connection->from == connection->until || connection->socket.descriptor == -1) return;
  watch(EPOLL_CTL_MOD, &connection->pty, 0);
  watch(EPOLL_CTL_MOD, &connection->socket, EPOLLIN | EPOLLOUT);
}

static void write_socket(struct connection *connection) {
  send_held(connection);
  if (connection->from < connection->until || connection->socket.descriptor == -1) return;
  watch(EPOLL_CTL_MOD, &connection->pty, EPOLLIN);
  watch(EPOLL_CTL_MOD, &connection->socket, EPOLLIN);
}

static void read_socket(struct connection *connection) {
  char bytes[TURN];
  ssize_t count = recv(connection->socket.descriptor, bytes, sizeof bytes, MSG_DONTWAIT);
  if (count == -1 && errno == EAGAIN) return;
  if (count <= 0) return hang_up(connection);
  if (connection->pty.descriptor != -1) {
    if (write(connection->pty.descriptor, bytes, count) == -1 && errno != EAGAIN) hang_up(connection);
    return;
  }
  if (connection->requested + count >= REQUEST) return hang_up(connection);
  memcpy(connection->request + connection->requested, bytes, count);
  connection->requested += count;
  char *end = memchr(connection->request, '\n', connection->requested);
  if (end == NULL) return;
  *end = '\0';
  if (start(connection) == -1) hang_up(connection);
}

static void take_connection(int listener) {
  int yes = 1;
  int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (descriptor == -1) return;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  struct connection *connection = calloc(1, sizeof *connection);
  connection->socket = (struct end){connection, descriptor};
  connection->pty = (struct end){connection, -1};
  watch(EPOLL_CTL_ADD, &connection->socket, EPOLLIN);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_IGN);
  events = epoll_create1(EPOLL_CLOEXEC);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  struct end listener = {NULL, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  struct end owner = {NULL, STDIN_FILENO};
  if (bind(listener.descriptor, (struct sockaddr *)&address, size) == -1) return 1;
  if (listen(listener.descriptor, 512) == -1) return 1;
  getsockname(listener.descriptor, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  watch(EPOLL_CTL_ADD, &listener, EPOLLIN);
  watch(EPOLL_CTL_ADD, &owner, EPOLLIN);

  struct epoll_event happened[EVENTS];
  for (;;) {
    int count = epoll_wait(events, happened, EVENTS, -1);
    for (int index = 0; index < count; index++) {
      struct end *end = happened[index].data.ptr;
      if (end == &owner) return 0;
      if (end == &listener) {
        take_connection(listener.descriptor);
      } else if (end == &end->of->pty) {
        if (end->descriptor != -1) read_pty(end->of);
      } else {
        if (end->descriptor != -1 && (happened[index].events & EPOLLOUT)) write_socket(end->of);
        if (end->descriptor != -1 && (happened[index].events & ~EPOLLOUT)) read_socket(end->of);
      }
    }
  }
}
