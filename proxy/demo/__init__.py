"""An application in two versions, a load, and a front door between them: to try things, and to see nothing get lost."""
