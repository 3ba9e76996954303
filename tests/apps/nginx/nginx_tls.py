# SPDX-License-Identifier: BSD-2-Clause
"""nginx with OpenSSL in the image: TLS 1.2 and 1.3, HTTP/2, certificates of clients, a TLS backend, mistakes."""

import os
import re
import subprocess

from nginx_cases import FILES
from nginx_run import PAGE, Image, curl, expect, folder, shared
from results import log_path
from words import TOP

SERVER = """listen 443 ssl http2;
        ssl_certificate /share/server.pem;
        ssl_certificate_key /share/server.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:1m;
        location /who { return 200 "$ssl_protocol $server_protocol $ssl_session_reused $ssl_server_name\\n"; }
        location /client {
            if ($ssl_client_verify != SUCCESS) { return 403; }
            return 200 "$ssl_client_s_dn\\n";
        }
        ssl_client_certificate /share/authority.pem;
        ssl_verify_client optional;
        location /again/ {
            proxy_pass https://127.0.0.1:443/;
            proxy_ssl_name localhost;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate /share/authority.pem;
        }
        location /wrong/ {
            proxy_pass https://127.0.0.1:443/;
            proxy_ssl_name elsewhere.test;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate /share/authority.pem;
        }
        location /put/ { dav_methods PUT; root /tmp; create_full_put_path on; client_max_body_size 10m; }"""


def openssl(*words, stdin=b"", check=True):
    done = subprocess.run(["openssl", *words], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          check=False)
    if check and done.returncode:
        raise AssertionError(f"openssl {' '.join(words)}: {done.stdout.decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


def certificates(path):
    """An authority, and what it has signed: a server (RSA and ECDSA) and a client."""
    def file(name):
        return os.path.join(path, name)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=the authority", "-keyout", file("authority.key"),
            "-out", file("authority.pem"))
    for name, kind, subject, more in (("server", ["rsa:2048"], "localhost", "subjectAltName=DNS:localhost"),
                                      ("ecdsa", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "localhost", "subjectAltName=DNS:localhost"),
                                      ("client", ["rsa:2048"], "a client", "extendedKeyUsage=clientAuth")):
        openssl("req", "-newkey", *kind, "-nodes", "-subj", "/CN=" + subject, "-keyout", file(name + ".key"), "-out", file(name + ".csr"))
        with open(file(name + ".ext"), "w", encoding="utf-8") as f:
            f.write(more + "\n")
        openssl("x509", "-req", "-in", file(name + ".csr"), "-CA", file("authority.pem"), "-CAkey", file("authority.key"), "-days", "30",
                "-extfile", file(name + ".ext"), "-out", file(name + ".pem"))


def tls():
    path = shared("tls", SERVER.replace("listen 443", "listen [::]:443 ipv6only=off"))
    certificates(path)
    trust = os.path.join(path, "authority.pem")
    with Image("tls", "--share", path + ":/share:ro", args=["-c", "/share/nginx.conf"], guest_port=443, scheme="https") as image:
        def get(target, *words):
            return curl("--cacert", trust, *words, image.url + target)

        def client(*words, stdin=b"GET /who HTTP/1.0\r\n\r\n"):
            return openssl("s_client", "-connect", image.url.rpartition("/")[2], "-CAfile", trust, "-servername", "localhost",
                           *(["-ign_eof"] if stdin else []), *words, stdin=stdin, check=False)

        expect("http/2", get("/who", "--http2"), b"TLSv1.3 HTTP/2.0 . localhost\n")
        expect("http/1.1", get("/who", "--http1.1"), b"TLSv1.3 HTTP/1.1 . localhost\n")
        expect("tls 1.2", get("/who", "--tls-max", "1.2"), b"TLSv1.2 HTTP/2.0 . localhost\n")
        expect("large file", get("/large.txt"), FILES["large.txt"])
        expect("many at once", get("/lines.txt", "--http2", "-Z", *[image.url + "/lines.txt"] * 20), FILES["lines.txt"] * 21)
        for cipher in ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305", "AES128-SHA256"):
            expect(cipher, get("/large.txt", "--tls-max", "1.2", "--ciphers", cipher), FILES["large.txt"])
        for cipher in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            expect(cipher, get("/large.txt", "--tls13-ciphers", cipher), FILES["large.txt"])
        for curve in ("X25519", "P-256", "P-384", "P-521"):
            expect(curve, get("/plain.txt", "--curves", curve), FILES["plain.txt"])
        mine = ["--cert", os.path.join(path, "client.pem"), "--key", os.path.join(path, "client.key")]
        expect("client's certificate", get("/client", *mine), b"CN=a client\n")
        expect("none", get("/client", "-o", os.devnull, "-w", "%{http_code}"), b"403")
        expect("tls backend", get("/again/plain.txt"), FILES["plain.txt"])
        expect("wrong tls backend", get("/wrong/plain.txt", "-o", os.devnull, "-w", "%{http_code}"), b"502")
        expect("upload", get("/put/x", "-T", PAGE, "-o", os.devnull, "-w", "%{http_code}"), b"201")
        expect("plain HTTP", curl("-o", os.devnull, "-w", "%{http_code}", image.url.replace("https", "http")), b"400")
        for words, want in ((["-tls1_3"], "Verify return code: 0 (ok)"), (["-tls1_2"], "Verify return code: 0 (ok)"),
                            (["-tls1_1", "-cipher", "ALL@SECLEVEL=0"], "alert"), (["-alpn", "h2"], "ALPN protocol: h2"),
                            (["-tls1_2", "-cipher", "ECDHE-RSA-CAMELLIA128-SHA256"], "alert handshake failure")):
            text = client(*words, stdin=b"" if "-alpn" in words else b"GET /who HTTP/1.0\r\n\r\n")
            if want not in text:
                raise AssertionError(f"s_client {' '.join(words)} does not say '{want}': {text[-400:]}")
        session = os.path.join(path, "session")
        for version in ("-tls1_2", "-tls1_3"):
            client(version, "-sess_out", session)
            text = client(version, "-sess_in", session)
            if not re.search(r"^TLSv1\.\d HTTP/1\.0 r localhost", text, re.MULTILINE):
                raise AssertionError(f"{version}: the session is not taken up again: {text[-300:]}")
        image.stop()


def ecdsa():
    path = shared("ecdsa", SERVER.replace("server.pem", "ecdsa.pem").replace("server.key", "ecdsa.key"))
    certificates(path)
    with Image("ecdsa", "--share", path + ":/share:ro", args=["-c", "/share/nginx.conf"], guest_port=443, scheme="https") as image:
        expect("file", curl("--cacert", os.path.join(path, "authority.pem"), image.url + "/plain.txt"), FILES["plain.txt"])
        image.stop()


def tls_load():
    """wrk's 32 connections, by TLS: no error."""
    path = shared("tls-load", SERVER)
    certificates(path)
    with Image("tls-load", "--share", path + ":/share:ro", args=["-c", "/share/nginx.conf"], guest_port=443, scheme="https") as image:
        text = subprocess.run(["wrk", "-t", "2", "-c", "32", "-d", "2", "--timeout", "120s", image.url + "/plain.txt"], stdout=subprocess.PIPE,
                              check=True).stdout.decode()
        if "Socket errors" in text or "Non-2xx" in text or not re.search(r"[1-9]\d* requests in", text):
            raise AssertionError(text)
        image.stop()


def tls_mistakes():
    """A certificate that is none, or that the key does not fit: nginx' own words and status 1."""
    path = folder("tls-mistakes")
    certificates(path)
    for name, certificate, key in (("none", "server.csr", "server.key"), ("other", "server.pem", "client.key")):
        with open(os.path.join(path, name), "w", encoding="utf-8") as f:
            f.write("events {}\nhttp { server { listen 443 ssl; "
                    f"ssl_certificate /{certificate}; ssl_certificate_key /{key}; }} }}\n")
        log = log_path("nginx", f"tls-{name}.log")
        with open(log, "wb") as out:
            done = subprocess.run([os.path.join(TOP, "pith"), "run", "nginx", "--net", "none", "--initrd", path, "--", "-c", "/" + name],
                                  cwd=TOP, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=120, check=False)
        with open(log, encoding="utf-8", errors="replace") as f:
            text = f.read()
        want = "no start line" if name == "none" else "key values mismatch"
        if done.returncode != 1 or want not in text:
            raise AssertionError(f"status {done.returncode}, and not '{want}': {text[-300:]}")


TESTS = {"tls": tls, "tls-ecdsa": ecdsa, "tls-load": tls_load, "tls-mistakes": tls_mistakes}
