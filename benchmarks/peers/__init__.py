"""Side by side: this front door and the proxies that people run otherwise, in the same minute on the same machine."""
