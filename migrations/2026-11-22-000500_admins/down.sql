DROP TABLE sign_in_attempts;
DROP TABLE sessions;
DROP TABLE admin_links;
DROP TABLE admins;
