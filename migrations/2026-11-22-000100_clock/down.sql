DROP FUNCTION llavero_now();
