# SPDX-License-Identifier: BSD-2-Clause
"""pith build: bring the toolchain, the library and the images of applications up to date."""

import os

import image
import verb_check

HELP = "build applications (and the toolchain, the first time)"
EPILOG = "Without APP all of apps/ is built whose source lies there. The result is build/NAME/NAME.elf."


def add_arguments(parser):
    parser.add_argument("apps", metavar="APP", nargs="*", help="folders below apps/, or paths")


def run(options, _args):
    apps = [image.find(word) for word in options.apps or
            [name for name in image.known() if not image.has_recipe(name)]]
    image.build(apps)
    for app in apps:
        verb_check.tell(app)
        print(os.path.relpath(app.elf))
    return 0
