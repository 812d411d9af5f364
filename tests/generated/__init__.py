"""Made-up secrets of real kinds, where clients and servers put them, and a search for them that knows no redactor.

Nothing here imports the code that redacts, nor the tests of it: it is a second opinion.
"""
