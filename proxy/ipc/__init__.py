"""What supervisor and worker say to each other when neither the board nor the meters can say it."""
