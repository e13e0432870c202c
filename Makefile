# Names the commands; what they do stands in segweb/setup.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
PORT ?=
DATABASES ?= sqlite
NAME ?=

.PHONY: help run test check bench

help:
	@echo "make run [PORT=8000]          set up what is missing, start SegWeb, print its address"
	@echo "make test [DATABASES='sqlite postgresql']   every check and test"
	@echo "make check                    format, lint, types, contracts"
	@echo "make bench NAME=...           one benchmark (without NAME: the list)"

run:
	@exec $(PYTHON) -m segweb.setup run --port "$(PORT)"

test:
	@exec $(PYTHON) -m segweb.setup test --databases "$(DATABASES)"

check:
	@exec $(PYTHON) -m segweb.setup check

bench:
	@exec $(PYTHON) -m segweb.setup bench $(NAME)
