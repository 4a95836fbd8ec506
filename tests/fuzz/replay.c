/* SPDX-License-Identifier: BSD-3-Clause */
/* Feeds a folder of kept inputs to a fuzz target, with any compiler: TAP, one case a file. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
not_hidden(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int
main(int argc, char **argv)
{
	static uint8_t data[1 << 16];
	struct dirent **list = NULL;
	int n = argc == 2 ? scandir(argv[1], &list, not_hidden, alphasort) : -1;

	if (n <= 0) {
		fprintf(stderr, "usage: replay FOLDER, with kept inputs in it\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		char path[4096];
		size_t size;
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", argv[1], list[i]->d_name);
		f = fopen(path, "re");
		if (!f) {
			printf("not ok %d - %s cannot be read\n", i + 1, path);
			return 1;
		}
		size = fread(data, 1, sizeof(data), f);
		fclose(f);
		LLVMFuzzerTestOneInput(data, size);
		printf("ok %d - %s\n", i + 1, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return 0;
}
