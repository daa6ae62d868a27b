/* The limit a feed is measured against: accept, answer the handshake, send() to each in a loop.
   `send N` on standard input broadcasts N messages; the port is printed first. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 20000
#define PAYLOAD 200

static int clients[MOST];
static int count;

static void broadcast(int messages) {
    static char frame[PAYLOAD + 4];
    for (int i = 0; i < messages; i++) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        frame[0] = (char)0x81, frame[1] = 126, frame[2] = 0, frame[3] = (char)PAYLOAD;
        memset(frame + 4, ' ', PAYLOAD);
        int size = snprintf(frame + 4, PAYLOAD, "{\"op\":\"delta\",\"data\":{\"at_ns\":%lld",
                            now.tv_sec * 1000000000LL + now.tv_nsec);
        frame[4 + size] = ' ';
        frame[PAYLOAD + 2] = frame[PAYLOAD + 3] = '}';
        for (int n = 0; n < count; n++)
            if (send(clients[n], frame, sizeof frame, MSG_NOSIGNAL) < 0)
                perror("send");
    }
}

static void greet(int fd) {
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
    char asked[4096];
    if (recv(fd, asked, sizeof asked, 0) <= 0) {
        close(fd);
        return;
    }
    send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    clients[count++] = fd;
}

int main(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), poller = epoll_create1(0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    bind(listener, (struct sockaddr *)&address, length);
    listen(listener, 2048);
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct epoll_event heard = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &heard);
    heard.data.fd = 0;
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &heard);
    for (;;) {
        if (epoll_wait(poller, &heard, 1, -1) < 1)
            continue;
        if (heard.data.fd == listener) {
            int fd = accept(listener, NULL, NULL);
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            struct epoll_event more = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = fd};
            epoll_ctl(poller, EPOLL_CTL_ADD, fd, &more);
        } else if (heard.data.fd == 0) {
            char line[64];
            ssize_t size = read(0, line, sizeof line - 1);
            if (size <= 0)
                return 0;
            line[size] = 0;
            broadcast(atoi(line + 5));
        } else {
            greet(heard.data.fd);
        }
    }
}
