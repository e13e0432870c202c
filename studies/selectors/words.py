"""Words as the search sees them, and the lookup that finds them by their beginning through a plain index."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.db.models import CharField, Lookup
from django.db.models.sql.compiler import SQLCompiler

MAX_TERMS = 6
_WORD_LENGTH = 64
_SEPARATORS = re.compile(r"[^\w]+|_", re.UNICODE)
_LAST_CHARACTER = "\U0010ffff"


def fold_words(*texts: str) -> list[str]:
    """Return the words of some texts, lower-cased, without accents, each once, in order of appearance."""
    words: dict[str, None] = {}
    for text in texts:
        plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
        for word in _SEPARATORS.split(plain.casefold()):
            if word:
                words[word[:_WORD_LENGTH]] = None
    return list(words)


def modality_word(modality: str) -> str:
    """Return the word that stands for a modality of the study, which no search can spell: it begins with a sign."""
    return f"={modality}"[:_WORD_LENGTH]


@CharField.register_lookup
class BeginsWith(Lookup):
    """``word__begins_with``: a case-sensitive prefix, in the form each database answers from a b-tree."""

    lookup_name = "begins_with"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        """PostgreSQL: LIKE, which a pattern_ops index serves in every locale."""
        column, params = self.process_lhs(compiler, connection)
        escaped = str(self.rhs).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{column} LIKE %s", (*params, f"{escaped}%")

    def as_sqlite(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        """SQLite: a range, since its LIKE ignores case and with it the index."""
        column, params = self.process_lhs(compiler, connection)
        return f"({column} >= %s AND {column} < %s)", (*params, str(self.rhs), *params, f"{self.rhs}{_LAST_CHARACTER}")
