"""The corpus is rehearsed too."""

from tests.rehearsal.conftest import rehearse as rehearse
