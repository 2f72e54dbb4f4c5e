# For those whose hands type make; ./dev needs nothing but a shell.
.PHONY: tutor test lint format lock bench screenshots clean
tutor test lint format lock bench screenshots clean:
	@./dev $@
