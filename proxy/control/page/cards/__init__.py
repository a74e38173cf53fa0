"""An operation as the page shows it, made from the answer that the admin API gives: both never say different things."""
