"""A registry client's authentication as values in, values out: it says what to send next and never sends anything.

`authenticator.Authenticator` is the door. Secrets are in these objects' memory and in the headers and bodies of what
is to be sent, in no representation, no exception and no note.
"""
