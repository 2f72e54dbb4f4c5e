# For those whose hands type make; ./dev needs nothing but a shell.
.PHONY: tutor test lint format lock bench screenshots recording clean
tutor test lint format lock bench screenshots recording clean:
	@./dev $@
