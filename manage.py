#!/usr/bin/env python
"""Entry of every command; ``bin/manage`` calls it with the environment and servers up."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tutorscore.settings")
    execute_from_command_line(sys.argv)
