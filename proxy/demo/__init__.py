"""An application in two versions, a load, and a front door between them: to try things out, and to show that nothing is lost."""
