"""Translations to other libraries, one module each, which alone imports its library."""

from __future__ import annotations
