/* SPDX-License-Identifier: BSD-2-Clause */
/* Patterns: regular expressions, fnmatch, glob. */
#define _GNU_SOURCE
#include "../conform.h"

#include <fnmatch.h>
#include <glob.h>
#include <regex.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *reg_error(int r)
{
    static const char *const names[] = {[0] = "0", [REG_NOMATCH] = "NOMATCH", [REG_BADPAT] = "BADPAT", [REG_ECOLLATE] = "ECOLLATE",
        [REG_ECTYPE] = "ECTYPE", [REG_EESCAPE] = "EESCAPE", [REG_ESUBREG] = "ESUBREG", [REG_EBRACK] = "EBRACK", [REG_EPAREN] = "EPAREN",
        [REG_EBRACE] = "EBRACE", [REG_BADBR] = "BADBR", [REG_ERANGE] = "ERANGE", [REG_ESPACE] = "ESPACE", [REG_BADRPT] = "BADRPT"};
    return r >= 0 && (size_t)r < COUNT(names) && names[r] != NULL ? names[r] : "another";
}

static void match(const char *pattern, const char *text, int flags, int eflags)
{
    regex_t re;
    regmatch_t m[6];
    int r = regcomp(&re, pattern, flags);
    printf("/%s/%s%s%s ", pattern, flags & REG_EXTENDED ? " E" : "", flags & REG_ICASE ? " I" : "", flags & REG_NEWLINE ? " N" : "");
    if (r != 0) {
        printf("comp %s\n", reg_error(r));
        return;
    }
    memset(m, 0xff, sizeof(m));
    r = regexec(&re, text, 6, m, eflags);
    print_bytes(text, strlen(text));
    printf(": %s", reg_error(r));
    for (size_t i = 0; r == 0 && i <= re.re_nsub && i < 6 && !(flags & REG_NOSUB); i++) {
        printf(" %d-%d", (int)m[i].rm_so, (int)m[i].rm_eo);
    }
    putchar('\n');
    regfree(&re);
}

static void expressions(void)
{
    static const char *const extended[][2] = {{"", "abc"}, {"abc", "xabcx"}, {"a*", "baaa"}, {"a+", "baaa"}, {"a?b", "ab"}, {"^a", "ba"}, {"a$", "ba"},
        {"^$", ""}, {".", ""}, {".", "x"}, {"[abc]+", "xxbca"}, {"[^abc]+", "abxyz"}, {"[a-c-]+", "-b"}, {"[]a]+", "]a"}, {"[^]a]", "]ab"},
        {"[[:digit:]]+", "ab123"}, {"[[:alpha:]_][[:alnum:]_]*", "9a_1"}, {"(a|b)*c", "ababc"}, {"(a)(b)?(c)", "ac"}, {"a{2}", "aaa"},
        {"a{2,}", "aaaa"}, {"a{1,2}", "aaaa"}, {"a{0}", "a"}, {"(ab){2}", "ababab"}, {"(a*)*", "aaa"}, {"(a*)+", "b"}, {"(a|ab)(c|bcd)(d*)", "abcd"},
        {"x|y|z", "y"}, {"\\.", "a.b"}, {"\\(x\\)", "(x)"}, {"a\\{2", "a{2"}, {"(", "x"}, {")", ")"}, {"[a", "x"}, {"a**", "aaa"}, {"*a", "*a"},
        {"+a", "x"}, {"a{2,1}", "x"}, {"a{", "a{"}, {"a{x}", "a{x}"}, {"[b-a]", "x"}, {"[[:nonsense:]]", "x"}, {"\\", "x"}, {"a||b", "b"}, {"()", "x"},
        {"(a)\\1", "aa"}, {"^^a", "a"}, {"a$$", "a"}, {"[a\\]b]", "\\b]"}, {"(^a|b$)", "xb"}, {"((((a))))", "a"}, {"a.c", "a\nc"},
        {"[[.a.]]", "a"}, {"[[=a=]]", "a"}, {"a{256}", "x"}, {"a{99999}", "x"}, {"(foo|foobar)(bar)?", "foobar"}, {"\\bfoo\\b", "a foo b"},
        {"\\w+", "  ab"}, {"[0-9]{1,3}(\\.[0-9]{1,3}){3}", "at 192.168.0.1!"}};
    static const char *const basic[][2] = {{"a*", "baaa"}, {"*a", "x*a"}, {"a\\{2\\}", "aaa"}, {"\\(a\\)\\1", "aa"}, {"\\(a*\\)b\\1", "aaba"},
        {"a+", "a+"}, {"a|b", "a|b"}, {"(a)", "(a)"}, {"\\(a", "x"}, {"a\\)", "x"}, {"a\\{1", "x"}, {"^*a", "*a"}, {"a^b", "a^b"}, {"a$b", "a$b"},
        {"\\(^a\\)", "a"}, {"[[:space:]]*", "  x"}, {"a\\|b", "b"}, {"\\2", "x"}, {"x\\{0,1\\}y", "y"}};
    SAY("extended");
    for (size_t i = 0; i < COUNT(extended); i++) {
        match(extended[i][0], extended[i][1], REG_EXTENDED, 0);
    }
    SAY("basic");
    for (size_t i = 0; i < COUNT(basic); i++) {
        match(basic[i][0], basic[i][1], 0, 0);
    }
    SAY("flags");
    match("ABC", "xabc", REG_ICASE, 0);
    match("[A-C]+", "xabc", REG_EXTENDED | REG_ICASE, 0);
    match("^b", "a\nb", REG_NEWLINE, 0);
    match("a$", "a\nb", REG_NEWLINE, 0);
    match("a.b", "a\nb", REG_NEWLINE, 0);
    match("[^x]b", "\nb", REG_NEWLINE, 0);
    match("^a", "a", 0, REG_NOTBOL);
    match("a$", "a", 0, REG_NOTEOL);
    match("a", "a", REG_NOSUB, 0);
    regex_t re;
    char text[100];
    int r = regcomp(&re, "[", 0);
    IS(regerror(r, &re, text, sizeof(text)) > 0);
    IS(regerror(r, &re, NULL, 0) == strlen(text) + 1); /* the words are each library's own */
    IS(regerror(REG_NOMATCH, NULL, text, 4) > 4);
    SHOW((long)strlen(text));
}

static void names(void)
{
    static const struct {
        const char *pattern, *text;
        int flags;
    } all[] = {{"*", "abc", 0}, {"*", "", 0}, {"", "", 0}, {"?", "a", 0}, {"?", "", 0}, {"a*c", "abbc", 0}, {"a*c", "abbd", 0}, {"[abc]", "b", 0},
        {"[!abc]", "b", 0}, {"[^abc]", "d", 0}, {"[a-c]x", "bx", 0}, {"[]]", "]", 0}, {"[", "[", 0}, {"[a", "[a", 0}, {"\\*", "*", 0},
        {"\\*", "\\x", FNM_NOESCAPE}, {"*", "a/b", 0}, {"*", "a/b", FNM_PATHNAME}, {"*/b", "a/b", FNM_PATHNAME}, {"a?b", "a/b", FNM_PATHNAME},
        {"a[/]b", "a/b", FNM_PATHNAME}, {"*", ".x", FNM_PERIOD}, {".*", ".x", FNM_PERIOD}, {"?x", ".x", FNM_PERIOD}, {"a/*", "a/.x", FNM_PERIOD},
        {"a/*", "a/.x", FNM_PERIOD | FNM_PATHNAME}, {"ABC", "abc", FNM_CASEFOLD}, {"a", "a/b", FNM_LEADING_DIR}, {"[[:alpha:]]", "q", 0},
        {"[[:digit:]]", "q", 0}, {"**", "abc", 0}, {"*a*b*c*", "xaybzc", 0}, {"[a-]", "-", 0}, {"[--0]", ".", 0}, {"\\", "\\", 0}, {"abc", "ab", 0},
        {"[\\]]", "]", 0}, {"*.c", ".c", FNM_PERIOD}, {"[.]x", ".x", FNM_PERIOD}, {"a*", "A", FNM_CASEFOLD}};
    SAY("fnmatch");
    for (size_t i = 0; i < COUNT(all); i++) {
        int r = fnmatch(all[i].pattern, all[i].text, all[i].flags);
        printf("%s %s %s\n", all[i].pattern, all[i].text, r == 0 ? "yes" : r == FNM_NOMATCH ? "no" : "error");
    }
}

static int told(const char *path, int error)
{
    printf("told of %s %s\n", path, error_name(error));
    return 0;
}

static void globs(int line, const char *pattern, int flags)
{
    glob_t g = {.gl_offs = 2};
    int r = glob(pattern, flags, told, &g);
    printf("%d: %s: %s", line, pattern, r == 0 ? "0" : r == GLOB_NOMATCH ? "NOMATCH" : r == GLOB_ABORTED ? "ABORTED" : "another");
    if (r == 0) {
        for (size_t i = 0; i < g.gl_pathc; i++) {
            printf(" %s", g.gl_pathv[i + (flags & GLOB_DOOFFS ? g.gl_offs : 0)]);
        }
        IS(g.gl_pathv[g.gl_pathc + (flags & GLOB_DOOFFS ? g.gl_offs : 0)] == NULL);
        globfree(&g);
    } else {
        putchar('\n');
    }
}

static void files(void)
{
    static const char *const all[] = {"b.c", "a.c", "x.h", ".hidden", "d/in.c", "d/.no", "e/in.c"};
    SAY("glob");
    MUST(mkdir("d", 0755));
    MUST(mkdir("e", 0755));
    for (size_t i = 0; i < COUNT(all); i++) {
        close((int)MUST(open(all[i], O_CREAT | O_WRONLY, 0644)));
    }
    globs(__LINE__, "*", 0);
    globs(__LINE__, "*.c", 0);
    globs(__LINE__, ".*n", 0);
    globs(__LINE__, "*/*.c", 0);
    globs(__LINE__, "[de]/in.?", 0);
    globs(__LINE__, "*.z", 0);
    globs(__LINE__, "*.z", GLOB_NOCHECK);
    globs(__LINE__, "*", GLOB_MARK);
    globs(__LINE__, "a.c", 0);
    globs(__LINE__, "none", 0);
    globs(__LINE__, "none/*", 0);
    globs(__LINE__, "\\a.c", 0);
    globs(__LINE__, "\\*.c", GLOB_NOESCAPE);
    globs(__LINE__, "*.c", GLOB_DOOFFS);
    globs(__LINE__, "{a,x}.?", GLOB_BRACE);
    globs(__LINE__, "./*.h", 0);
    globs(__LINE__, "", 0);
    globs(__LINE__, "*/", 0);
    glob_t g;
    SHOW(glob("a*", 0, NULL, &g));
    SHOW(glob("x*", GLOB_APPEND, NULL, &g));
    SHOW((long)g.gl_pathc);
    globfree(&g);
    for (size_t i = 0; i < COUNT(all); i++) {
        MUST(unlink(all[i]));
    }
    MUST(rmdir("d"));
    MUST(rmdir("e"));
}

int main(void)
{
    char top[sizeof(FOLDER_PATTERN)];
    begin();
    if (!enter_folder(top)) {
        return 1;
    }
    setenv("HOME", "/home", 1);
    expressions();
    names();
    files();
    CALL(chdir("/"));
    CALL(rmdir(top));
    return end();
}
