#!/usr/bin/env python3
"""A visitor of an installed instance, for test-deb.sh and test-image.sh. Standard library only.

visit.py film URL FILE...   signs in, uploads each file as a version of a new feedback, waits until all are ready, reads
                            film and poster; prints what became of them
visit.py look URL FILE...   are the films of these names there, byte for byte?
visit.py load URL           asks on new connections until standard input ends; prints how many, how many were refused or
                            failed, and the longest answer; ends with 1 if one failed

EMAIL and PASSWORD in the environment say who signs in.
"""

import base64
import hashlib
import json
import os
import sys
import threading
import time
import urllib.request


def main():
    do, url, files = sys.argv[1], sys.argv[2].rstrip("/"), sys.argv[3:]
    {"film": film, "look": look, "load": load}[do](url, files)


class Api:
    def __init__(self, url):
        self.url, self.token = url, None
        asked = {"email": os.environ["EMAIL"], "password": os.environ["PASSWORD"]}
        self.token = self.json("POST", "/api/v1/auth/login", asked)["token"]

    def ask(self, method, path, body=None, headers=None):
        headers = {"Tus-Resumable": "1.0.0", **(headers or {})}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        url = path if path.startswith("http") else self.url + path
        return urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=60)

    def json(self, method, path, body=None):
        sent = None if body is None else json.dumps(body).encode()
        return json.load(self.ask(method, path, sent, {"Content-Type": "application/json"}))


def film(url, files):
    api = Api(url)
    project = api.json("POST", "/api/v1/projects", {"name": "설치 확인"})
    feedback = api.json("POST", f"/api/v1/projects/{project['id']}/feedbacks", {"title": "1차 시사"})
    started, waiting = time.monotonic(), {}
    for file in files:
        with open(file, "rb") as opened:
            data = opened.read()
        meta = ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}"
            for key, value in (("filename", os.path.basename(file)), ("feedback_id", str(feedback["id"])))
        )
        begun = api.ask("POST", "/api/v1/uploads", b"", {"Upload-Length": str(len(data)), "Upload-Metadata": meta})
        piece = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        done = api.ask("PATCH", begun.headers["Location"], data, piece)
        waiting[done.headers["X-Media-Id"]] = file
    for media, file in waiting.items():
        while True:
            shown = api.json("GET", f"/api/v1/media/{media}")
            if shown["state"] == "failed":
                sys.exit(f"{file} failed: {shown['error']}")
            if shown["state"] == "ready" and not shown["progress"]:
                break
            if time.monotonic() - started > 600:
                sys.exit(f"{file} is never ready: {shown}")
            time.sleep(0.1)
        urls = shown["urls"]
        sizes = {name: len(api.ask("GET", urls[name]).read()) for name in ("proxy", "poster", "sprite") if urls.get(name)}
        if not sizes.get("proxy") or not sizes.get("poster"):
            sys.exit(f"{file}: no proxy or no poster: {shown}")
        took = time.monotonic() - started
        print(f"{os.path.basename(file)}: ready after {took:.1f} s, bytes {sizes}")


def look(url, files):
    api = Api(url)
    wanted = {os.path.basename(f): hashlib.sha256(open(f, "rb").read()).hexdigest() for f in files}
    for project in api.json("GET", "/api/v1/projects")["results"]:
        for feedback in api.json("GET", f"/api/v1/projects/{project['id']}/feedbacks")["results"]:
            for media in api.json("GET", f"/api/v1/feedbacks/{feedback['id']}/media")["results"]:
                data = api.ask("GET", f"/api/v1/media/{media['id']}/original").read()
                if wanted.get(media["name"]) == hashlib.sha256(data).hexdigest():
                    del wanted[media["name"]]
    if wanted:
        sys.exit(f"not there, or not the same bytes: {', '.join(wanted)}")
    print(f"{len(files)} films are there, byte for byte")


def load(url, _):
    asked, failed, longest, over = 0, [], 0.0, threading.Event()
    lock = threading.Lock()

    def visitor(path):
        nonlocal asked, longest
        while not over.is_set():
            begun = time.monotonic()
            try:
                urllib.request.urlopen(url + path, timeout=60).read()
                why = None
            except OSError as error:
                why = f"{path}: {error!r}"
            with lock:
                asked, longest = asked + 1, max(longest, time.monotonic() - begun)
                if why:
                    failed.append(why)
            time.sleep(0.02)

    threads = [threading.Thread(target=visitor, args=(path,)) for path in ("/health", "/login", "/api/openapi.json", "/health")]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    print(f"{asked} requests on new connections, {len(failed)} failed, the longest {longest:.2f} s")
    if failed or not asked:
        sys.exit("\n".join(failed[:5]) or "nothing was asked")


main()
