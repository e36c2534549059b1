DROP TABLE token_calls;
