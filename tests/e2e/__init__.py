"""The whole product over real HTTP, in this process or in processes of its own, judged by what the far ends saw."""
