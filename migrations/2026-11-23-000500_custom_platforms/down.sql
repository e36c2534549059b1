DROP TABLE custom_platforms;
