"""What a change of a stack would do: two sides, rehearsed or exported, compared by what is known of the provider."""
