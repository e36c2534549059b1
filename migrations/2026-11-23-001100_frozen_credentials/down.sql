DROP TABLE frozen_credentials;
