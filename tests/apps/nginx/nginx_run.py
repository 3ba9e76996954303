# SPDX-License-Identifier: BSD-2-Clause
"""`pith run nginx` as people use it: their files and configurations, curl and wrk, mistakes, the end."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

import native
import nginx_native
from nginx_backend import LONG, Backend
from nginx_cases import FILES, make_site
from results import log_path
from words import TOP

ROOM = 512 << 10  # bytes of a cache
WAIT = 120  # seconds; a bound, nothing measures it
PAGE = os.path.join(TOP, "apps", "nginx", "root", "var", "www", "html", "index.html")
CONF = """error_log stderr notice;
events {}
http {
    access_log /dev/stdout;
    %s
    server { listen 80; root /share/site; index index.html; gzip on; gzip_types *; gzip_min_length 1; %s }
}
"""


def expect(what, got, want):
    if got != want:
        raise AssertionError(f"{what}: {got!r}, not {want!r}"[:600])


def folder(name):
    path = os.path.dirname(log_path("nginx", name, "x"))
    shutil.rmtree(path)
    os.makedirs(path)
    return path


def curl(*words):
    """What curl prints, with its exit status as an error."""
    done = subprocess.run(["curl", "-sS", "-m", str(WAIT), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise AssertionError(f"curl {' '.join(words)}: {done.stderr.decode()}")
    return done.stdout


class Image:
    """`pith run nginx` in a `with`; `url` is where it answers, `log` what it has printed."""

    def __init__(self, name, *options, args=(), guest_port=80, scheme="http"):
        port = native.free_port()
        self.url = f"{scheme}://localhost:{port}"
        self.address = ("127.0.0.1", port)
        self.path = log_path("nginx", name + ".log")
        self.words = [os.path.join(TOP, "pith"), "run", "nginx", "-p", f"{port}:{guest_port}", *options]
        self.words += ["--", *args] if args else []

    def __enter__(self):
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(self.words, cwd=TOP, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        until = time.monotonic() + WAIT
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise AssertionError("it does not serve: " + self.log()[-300:])
            time.sleep(0.05)
        return self

    def answers(self):
        """QEMU takes connections before the guest does: only bytes count."""
        try:
            with socket.create_connection(self.address, 2) as s:
                s.sendall(b"0 / HTTP/1.1\r\n\r\n")  # a bad request is told so in each configuration, TLS too
                return bool(s.recv(1))
        except OSError:
            return False

    def log(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        """Ask it to end, as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        expect("exit status", self.process.wait(WAIT), 0)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(WAIT)


def shared(name, server="", http=""):
    """A folder for --share, with a site and a configuration."""
    path = folder(name)
    make_site(os.path.join(path, "site"))
    with open(os.path.join(path, "nginx.conf"), "w", encoding="utf-8") as f:
        f.write(CONF % (http, server))
    return path


def welcome():
    """Nothing given: the page of the image, and nginx' own words for what is not there."""
    with Image("welcome") as image, open(PAGE, "rb") as page:
        expect("page", curl(image.url), page.read())
        expect("status", curl("-o", os.devnull, "-w", "%{http_code}", image.url + "/nowhere"), b"404")
        image.stop()


def html_folder():
    """A folder of the host in place of the page."""
    path = folder("html")
    make_site(path)
    with Image("html", "--share", path + ":/var/www/html:ro") as image:
        expect("file", curl(image.url + "/plain.txt"), FILES["plain.txt"])
        with open(os.path.join(path, "new.txt"), "w", encoding="utf-8") as f:
            f.write("put there later\n")
        expect("new file", curl(image.url + "/new.txt"), b"put there later\n")
        image.stop()


def own_configuration():
    """What people ask of it, from their own configuration and files."""
    with Backend() as backend:
        path = shared("own", f"""location /up/ {{ proxy_pass http://10.0.2.2:{backend.port}/; }}
            location /put/ {{ dav_methods PUT; root /share; }}""")
        os.mkdir(os.path.join(path, "put"))
        with Image("own", "--share", path, args=["-c", "/share/nginx.conf"]) as image:
            url = image.url
            expect("large file", curl(url + "/large.txt"), FILES["large.txt"])
            expect("range", curl("-r", "100000-100099", url + "/large.txt"), FILES["large.txt"][100000:100100])
            expect("gzip", curl("--compressed", url + "/large.txt"), FILES["large.txt"])
            sizes = curl("-o", os.devnull, "-w", "%{size_download}", "-H", "Accept-Encoding: gzip", url + "/large.txt")
            if not 0 < int(sizes) < len(FILES["large.txt"]) // 2:
                raise AssertionError(f"gzip sends {sizes} bytes")
            connects = curl("-o", os.devnull, url + "/plain.txt", "-o", os.devnull, url + "/dir/", "-w", "%{num_connects} ")
            expect("connections for two requests", connects, b"1 0 ")
            expect("proxied", curl(url + "/up/long"), LONG)
            expect("proxied body", curl("--data-binary", "@" + PAGE, url + "/up/echo")[-8:], b"</html>\n")
            expect("upload", curl("-T", PAGE, "-o", os.devnull, "-w", "%{http_code}", url + "/put/page"), b"201")
            with open(PAGE, "rb") as want, open(os.path.join(path, "put", "page"), "rb") as got:
                expect("uploaded", got.read(), want.read())
            image.stop()
            if '"GET /up/long HTTP/1.1" 200' not in image.log():
                raise AssertionError("no access log: " + image.log()[-300:])


def as_others_write_it():
    """A configuration for a machine with many processes works as it is: one does all."""
    path = shared("many", "", "proxy_cache_path /tmp/cache keys_zone=a:1m max_size=1m;")
    name = os.path.join(path, "nginx.conf")
    with open(name, encoding="utf-8") as f:
        text = f.read()
    with open(name, "w", encoding="utf-8") as f:
        f.write("daemon on;\nmaster_process on;\nworker_processes 4;\nworker_cpu_affinity auto;\nuser root;\n" +
                text.replace("listen 80", "listen 80 reuseport"))
    with Image("many", "--share", path, args=["-c", "/share/nginx.conf"]) as image:
        for _ in range(8):
            expect("file", curl(image.url + "/plain.txt"), FILES["plain.txt"])
        image.stop()


def graceful_end():
    """Told to end, it finishes what it has begun and takes nothing new."""
    path = shared("graceful", "limit_rate 400k;")
    with Image("graceful", "--share", path, args=["-c", "/share/nginx.conf"]) as image:
        with socket.create_connection(image.address, WAIT) as slow, socket.create_connection(image.address, WAIT) as idle:
            idle.sendall(b"GET /plain.txt HTTP/1.1\r\nHost: x\r\n\r\n")
            slow.sendall(b"GET /large.txt HTTP/1.1\r\nHost: x\r\n\r\n")
            got = slow.recv(1000)
            image.process.send_signal(signal.SIGINT)
            while piece := slow.recv(65536):
                got += piece
            expect("body", got.partition(b"\r\n\r\n")[2], FILES["large.txt"])
            while idle.recv(65536):
                pass
        expect("exit status", image.process.wait(WAIT), 0)
        for word in ("gracefully shutting down", "exit"):
            if word not in image.log():
                raise AssertionError(f"the log lacks '{word}'")


def said(path, program, words, env=None, cwd=TOP):
    """(exit status, what nginx says), without the time and the process."""
    with open(path, "wb") as out:
        done = subprocess.run([*program, *words], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                              timeout=WAIT, check=False)
    with open(path, encoding="utf-8", errors="replace") as f:
        lines = [line for line in f.read().splitlines() if line.startswith("nginx: ")]
    return done.returncode, [re.sub(r"\(\d+: [^)]*\)", "(errno)", line) for line in lines]


def mistakes():
    """What is wrong is said in nginx' words, with its exit status: those of the distribution's nginx."""
    path = folder("mistakes")
    for name, text in (("word", "evens {}\n"), ("brace", "events {\n"), ("include", "include /nowhere.conf;\n"), ("good", "events {}\n"),
                       ("root", "events {}\nhttp { server { listen 80; proxy_pass x; } }\n"), ("none", ""),
                       ("listen", "events {}\nhttp { server { listen 80; listen 80; } }\n"),
                       ("certificate", "events {}\nhttp { server { listen 443 ssl; ssl_certificate /no.pem; ssl_certificate_key /no.pem; } }\n")):
        with open(os.path.join(path, name), "w", encoding="utf-8") as f:
            f.write(text)
    program, env = nginx_native.unpacked()
    pith = [os.path.join(TOP, "pith"), "run", "nginx", "--net", "none", "--initrd", path, "--timeout", str(WAIT), "--"]
    for words in (["-c", "/missing"], ["-c", "/word"], ["-c", "/brace"], ["-c", "/include"], ["-c", "/root"], ["-c", "/listen"],
                  ["-c", "/certificate"], ["-t", "-c", "/good"], ["-c", "/none"], ["-x"], ["-v"], ["-g", "what;", "-c", "/good"]):
        here = [word if word[:1] != "/" or word == "/missing" else path + word for word in words]
        log = log_path("nginx", "mistakes.log")
        want = said(log, [program, "-e", "stderr"], here + ["-g", f"pid {path}/pid;"] if "-g" not in here else here, env)
        want = (want[0], [line.replace(path, "") for line in want[1]])
        status, got = said(log, pith, words)
        if words == ["-v"]:  # whose patches are in stands behind the version
            got = [re.sub(r" \(1\.22\.1-\d+\+deb\w+\)$", "", line) for line in got if "+deb" in line]
        expect(" ".join(words), (status, got), want)


def load():
    """wrk's 32 connections, small and large files: no error."""
    path = shared("load")
    with Image("load", "--share", path + ":/share:ro", args=["-c", "/share/nginx.conf"]) as image:
        for name in ("plain.txt", "large.txt"):
            done = subprocess.run(["wrk", "-t", "2", "-c", "32", "-d", "2", "--timeout", f"{WAIT}s", f"{image.url}/{name}"], stdout=subprocess.PIPE, check=True)
            text = done.stdout.decode()
            if "Socket errors" in text or "Non-2xx" in text or not re.search(r"[1-9]\d* requests in", text):
                raise AssertionError(text)
        image.stop()


def full():
    """No space left for a body: told to the client and in the log, and the next request is served."""
    path = shared("full", "client_max_body_size 0; location /put/ { dav_methods PUT; root /tmp; create_full_put_path on; }")
    with Image("full", "--share", path + ":/share:ro", "--boot-option", "ramfs.max=4M", args=["-c", "/share/nginx.conf"]) as image:
        big = os.path.join(path, "big")
        with open(big, "wb") as f:
            f.write(b"x" * (8 << 20))
        for _ in range(3):
            expect("put", curl("-H", "Expect:", "-T", big, "-o", os.devnull, "-w", "%{http_code}", image.url + "/put/big"), b"500")
        if "No space left on device" not in image.log():
            raise AssertionError("the log does not say why: " + image.log()[-300:])
        until = time.monotonic() + WAIT  # it keeps a body until the client has gone
        while (status := curl("-T", PAGE, "-o", os.devnull, "-w", "%{http_code}", image.url + "/put/page")) != b"201":
            if time.monotonic() > until:
                raise AssertionError(f"nothing can be put any more: {status}")
        expect("file", curl(image.url + "/plain.txt"), FILES["plain.txt"])
        image.stop()


def cache():
    """A cache on a share keeps its size, and is still known after a new start."""
    with Backend() as backend:
        path = shared("cache", f"""location /up/ {{
                proxy_pass http://10.0.2.2:{backend.port}/; proxy_cache pages; proxy_cache_valid 200 1h;
                add_header X-Cache $upstream_cache_status; }}""",
                      f"proxy_cache_path /share/cache keys_zone=pages:1m max_size={ROOM >> 10}k;")
        kept = os.path.join(path, "cache")
        os.mkdir(kept)

        def state(image, target):
            return curl("-o", os.devnull, "-D", "-", image.url + target).decode().lower().partition("x-cache: ")[2].split()[0]

        def size():
            sizes = 0
            for name in os.listdir(kept):
                try:
                    sizes += os.path.getsize(os.path.join(kept, name))
                except FileNotFoundError:
                    pass  # nginx has just taken it away
            return sizes

        with Image("cache", "--share", path, args=["-c", "/share/nginx.conf"]) as image:
            for n in range(20):
                expect("first time", state(image, f"/up/long?{n}"), "miss")
            expect("second time", state(image, "/up/long?19"), "hit")
            # They are more than there may be; nginx may have begun to take the first ones away.
            if 20 * len(LONG) <= ROOM or size() < len(LONG):
                raise AssertionError(f"of 20 answers {size()} bytes are kept")
            until = time.monotonic() + WAIT
            while size() > ROOM:
                if time.monotonic() > until:
                    raise AssertionError(f"the cache keeps {size()} bytes")
                time.sleep(0.5)
            expect("first one, after others took its place", state(image, "/up/long?0"), "miss")
            expect("last one", state(image, "/up/long?19"), "hit")
            image.stop()
        with Image("cache-again", "--share", path, args=["-c", "/share/nginx.conf"]) as image:
            expect("last one, after a new start", state(image, "/up/long?19"), "hit")
            image.stop()


TESTS = {
    "welcome": welcome,
    "html": html_folder,
    "configuration": own_configuration,
    "many-processes": as_others_write_it,
    "graceful": graceful_end,
    "mistakes": mistakes,
    "load": load,
    "full": full,
}
ONLY_FULL = {"cache": cache}
