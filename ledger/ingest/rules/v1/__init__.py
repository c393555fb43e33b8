"""The judge of rules version 1, frozen: decisions that name it are judged by it again, and none is made by it."""
