DROP TABLE platform_apps;
