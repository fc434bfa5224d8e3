"""The pages: short functions that read a form, call one action or selector, and render."""
