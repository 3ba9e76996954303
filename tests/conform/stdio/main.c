/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams: how they are opened, read, written, moved, buffered and closed, on files and in memory. */
#define _GNU_SOURCE
#include "../conform.h"

#include <sys/stat.h>
#include <wchar.h>

static char top[64], buf[256];

static void put(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    fputs(text, f);
    fclose(f);
}

/* What is in a file. */
static void show(int line, const char *name)
{
    char text[128];
    int fd = open(name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    printf("%d: %s: ", line, name);
    if (n < 0) {
        printf("%s\n", error_name(errno));
    } else {
        print_bytes(text, (size_t)n);
        putchar('\n');
    }
    close(fd);
}

#define FILE_(name) show(__LINE__, name)

static FILE *opened(int line, const char *name, const char *mode)
{
    errno = 0;
    FILE *f = fopen(name, mode);
    printf("%d: fopen(%s, \"%s\"): %s\n", line, name, mode, f != NULL ? "stream" : error_name(errno));
    return f;
}

#define OPEN(name, mode) opened(__LINE__, name, mode)

static void modes(void)
{
    FILE *f;
    SAY("modes");
    OPEN("none", "r");
    OPEN("none", "r+");
    OPEN("none", "");
    OPEN("none", "q");
    OPEN("none/x", "w");
    OPEN(".", "w");
    f = OPEN(".", "r");
    CALL(fgetc(f));
    IS(ferror(f) != 0);
    fclose(f);
    f = OPEN("f", "w");
    CALL(fputs("abc", f) >= 0);
    CALL(fgetc(f));
    IS(ferror(f) != 0);
    clearerr(f);
    IS(ferror(f) == 0);
    CALL(fclose(f));
    FILE_("f");
    f = OPEN("f", "r");
    CALL(fputc('x', f));
    IS(ferror(f) != 0);
    CALL(fclose(f));
    f = OPEN("f", "a");
    CALL(fputs("def", f) >= 0);
    CALL(fseek(f, 0, SEEK_SET));
    CALL(fputs("ghi", f) >= 0);
    CALL(fclose(f));
    FILE_("f");
    f = OPEN("f", "r+");
    CALL(fputs("XY", f) >= 0);
    CALL(fflush(f));
    CALL(fgetc(f));
    CALL(fseek(f, 0, SEEK_CUR));
    CALL(fputc('!', f));
    CALL(fclose(f));
    FILE_("f");
    f = OPEN("f", "w+");
    CALL(fputs("new", f) >= 0);
    rewind(f);
    STR(fgets(buf, sizeof(buf), f));
    CALL(fclose(f));
    f = OPEN("f", "a+");
    CALL(fgetc(f));
    CALL(fseek(f, 0, SEEK_END));
    CALL(fputs("+", f) >= 0);
    CALL(fclose(f));
    FILE_("f");
    OPEN("f", "wx");
    f = OPEN("g", "wxe");
    SHOW(fcntl(fileno(f), F_GETFD));
    CALL(fclose(f));
    f = OPEN("g", "rb");
    SHOW(fcntl(fileno(f), F_GETFD));
    CALL(fclose(f));
    CALL(remove("g"));
    CALL(remove("g"));
}

static void reading(void)
{
    FILE *f;
    char *line = NULL;
    size_t room = 0;
    SAY("reading");
    put("f", "first\nsecond\n\nlast");
    f = fopen("f", "r");
    STR(fgets(buf, 3, f));
    STR(fgets(buf, 2, f));
    STR(fgets(buf, 100, f));
    CALL(ungetc('S', f));
    CALL(fgetc(f));
    CALL(ungetc('Z', f));
    SHOW(ftell(f));
    STR(fgets(buf, 100, f));
    CALL(ungetc(EOF, f));
    STR(fgets(buf, 100, f));
    STR(fgets(buf, 100, f));
    IS(feof(f) != 0);
    STR(fgets(buf, 100, f));
    CALL(getc(f));
    CALL(ungetc('u', f));
    IS(feof(f) == 0);
    CALL(getc(f));
    CALL(getc(f));
    CALL(fseek(f, -4, SEEK_END));
    IS(feof(f) == 0);
    SHOW((long)fread(buf, 2, 3, f));
    IS(feof(f) != 0);
    rewind(f);
    SHOW((long)fread(buf, 0, 3, f));
    SHOW((long)fread(buf, 3, 0, f));
    SHOW((long)fread(buf, 1, 5, f));
    BYTES(buf, 5);
    CALL(fseek(f, -1, SEEK_SET));
    CALL(fseek(f, 0, 77));
    CALL(fseek(f, 100, SEEK_SET));
    SHOW(ftell(f));
    CALL(fgetc(f));
    fpos_t pos;
    CALL(fseeko(f, 6, SEEK_SET));
    CALL(fgetpos(f, &pos));
    CALL(fgetc(f));
    CALL(fsetpos(f, &pos));
    CALL(fgetc(f));
    SHOW(ftello(f));
    rewind(f);
    CALL(getline(&line, &room, f));
    STR(line);
    CALL(getdelim(&line, &room, 'o', f));
    STR(line);
    CALL(getdelim(&line, &room, 'q', f));
    STR(line);
    CALL(getline(&line, &room, f));
    CALL(getline(NULL, &room, f));
    CALL(getline(&line, NULL, f));
    free(line);
    rewind(f);
    int a = 0;
    CALL(fscanf(f, "%d", &a));
    CALL(fscanf(f, "%9[a-z]", buf));
    STR(buf);
    CALL(fscanf(f, " %9s %9s %9s", buf, buf + 20, buf + 40));
    CALL(fscanf(f, "%9s", buf));
    CALL(getc_unlocked(f));
    flockfile(f);
    SHOW(ftrylockfile(f));
    funlockfile(f);
    funlockfile(f);
    CALL(fclose(f));
}

static void writing(void)
{
    FILE *f;
    struct stat st;
    SAY("writing and buffers");
    f = fopen("f", "w");
    CALL(setvbuf(f, NULL, _IOFBF, 4096));
    SHOW((long)fwrite("abcdef", 2, 3, f));
    SHOW((long)fwrite("abcdef", 0, 3, f));
    CALL(stat("f", &st));
    SHOW(st.st_size);
    CALL(fflush(f));
    CALL(stat("f", &st));
    SHOW(st.st_size);
    CALL(putc(300, f));
    CALL(putc_unlocked('x', f));
    SHOW(ftell(f));
    CALL(fflush(NULL));
    CALL(stat("f", &st));
    SHOW(st.st_size);
    CALL(fclose(f));
    f = fopen("f", "w");
    setbuf(f, NULL);
    CALL(fputs("now", f) >= 0);
    FILE_("f");
    CALL(fclose(f));
    f = fopen("f", "w");
    CALL(setvbuf(f, buf, _IOLBF, sizeof(buf)));
    CALL(fputs("line\nrest", f) >= 0);
    CALL(stat("f", &st));
    IS(st.st_size >= 5);
    CALL(setvbuf(f, NULL, 99, 0));
    CALL(fclose(f));
    FILE_("f");
    f = fopen("/dev/full", "w");
    IS(f != NULL);
    if (f != NULL) {
        CALL(fputs("lost", f) >= 0);
        CALL(fflush(f));
        IS(ferror(f) != 0);
        CALL(fputs("lost", f) >= 0);
        CALL(fclose(f));
    }
    f = fopen("f", "w");
    close(fileno(f));
    CALL(fputs("gone", f) >= 0);
    CALL(fclose(f));
    SAY("a hole");
    f = fopen("f", "w+");
    CALL(fseek(f, 10, SEEK_SET));
    CALL(fputc('x', f));
    CALL(fseek(f, 8, SEEK_SET));
    CALL(fgetc(f));
    CALL(fclose(f));
    SAY("wide");
    f = fopen("f", "w+");
    SHOW(fwide(f, 0));
    CALL(fputws(L"wide text", f) >= 0);
    IS(fwide(f, 0) > 0);
    IS(fwide(f, -1) > 0);
    rewind(f);
    IS(fgetwc(f) == L'w');
    IS(ungetwc(L'W', f) == L'W');
    wchar_t w[20];
    IS(fgetws(w, 20, f) != NULL && wcscmp(w, L"Wide text") == 0);
    IS(fgetwc(f) == WEOF);
    CALL(fclose(f));
}

static void again(void)
{
    FILE *f, *g;
    int p[2];
    SAY("fdopen, freopen");
    errno = 0;
    IS(fdopen(-1, "r") == NULL && errno == EBADF);
    int fd = open("f", O_RDONLY);
    errno = 0;
    IS(fdopen(fd, "w") == NULL && errno == EINVAL);
    errno = 0;
    IS(fdopen(fd, "z") == NULL && errno == EINVAL);
    f = fdopen(fd, "r");
    IS(fileno(f) == fd);
    CALL(fclose(f));
    CALL(fcntl(fd, F_GETFD));
    MUST(pipe(p));
    f = fdopen(p[0], "r");
    g = fdopen(p[1], "w");
    CALL(fseek(f, 0, SEEK_SET));
    CALL(ftell(f));
    CALL(fputs("through\n", g) >= 0);
    CALL(fclose(g));
    STR(fgets(buf, sizeof(buf), f));
    CALL(fgetc(f));
    CALL(fclose(f));
    put("f", "from f");
    put("g", "from g");
    f = fopen("f", "r");
    CALL(fgetc(f));
    f = freopen("g", "r", f);
    IS(f != NULL);
    STR(fgets(buf, sizeof(buf), f));
    errno = 0;
    IS(freopen("none", "r", f) == NULL && errno == ENOENT);
    SAY("temporary files");
    f = tmpfile();
    IS(f != NULL);
    CALL(fputs("temporary", f) >= 0);
    rewind(f);
    STR(fgets(buf, sizeof(buf), f));
    CALL(fclose(f));
    strcpy(buf, "tXXXXXX");
    fd = FD(mkstemp(buf));
    close(fd);
    IS(strlen(buf) == 7 && strcmp(buf, "tXXXXXX") != 0);
    CALL(unlink(buf));
    strcpy(buf, "tXXXXX");
    FD(mkstemp(buf));
    strcpy(buf, "none/tXXXXXX");
    FD(mkstemp(buf));
    strcpy(buf, "dXXXXXX");
    IS(mkdtemp(buf) == buf);
    CALL(remove(buf));
    CALL(unlink("f"));
    CALL(unlink("g"));
}

static void memory(void)
{
    char room[16] = "initial", *made = NULL;
    size_t len = 77;
    SAY("fmemopen");
    FILE *f = fmemopen(room, sizeof(room), "r");
    STR(fgets(buf, sizeof(buf), f));
    CALL(fputc('x', f));
    CALL(fclose(f));
    f = fmemopen(room, sizeof(room), "w");
    CALL(fputs("hello", f) >= 0);
    SHOW(ftell(f));
    CALL(fclose(f));
    STR(room);
    f = fmemopen(room, sizeof(room), "a");
    CALL(fputs(", you", f) >= 0);
    CALL(fclose(f));
    STR(room);
    f = fmemopen(room, 4, "w");
    setbuf(f, NULL);
    CALL(fputs("toolong", f) >= 0);
    CALL(fclose(f));
    BYTES(room, 8);
    f = fmemopen(NULL, 32, "w+");
    CALL(fputs("own", f) >= 0);
    rewind(f);
    STR(fgets(buf, sizeof(buf), f));
    CALL(fclose(f));
    errno = 0;
    IS(fmemopen(room, 4, "z") == NULL && errno == EINVAL);
    SAY("open_memstream");
    f = open_memstream(&made, &len);
    CALL(fflush(f));
    SHOW((long)len);
    for (int i = 0; i < 1000; i++) {
        fprintf(f, "%d,", i);
    }
    CALL(fflush(f));
    SHOW((long)len);
    CALL(fseek(f, 2, SEEK_SET));
    CALL(fputs("X", f) >= 0);
    CALL(fflush(f));
    SHOW((long)len);
    CALL(fseek(f, 5000, SEEK_SET));
    CALL(fputs("Y", f) >= 0);
    CALL(fclose(f));
    SHOW((long)len);
    SHOW((long)strlen(made));
    BYTES(made, 8);
    free(made);
}

int main(void)
{
    begin();
    if (!enter_folder(top)) {
        return 1;
    }
    modes();
    reading();
    writing();
    again();
    memory();
    IS(puts("a line") >= 0);
    CALL(putchar('c'));
    CALL(fputc('\n', stdout));
    errno = ENOENT;
    fflush(stdout);
    perror("perror");
    errno = ENOENT;
    perror("");
    CALL(chdir("/"));
    CALL(rmdir(top));
    return end();
}
