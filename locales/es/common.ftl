# Palabras que rodean cada página.
nav-skip = Ir al contenido
nav-main = Principal
nav-crumbs = Dónde estás
nav-pages = Páginas
nav-first = Primera página
nav-next = Página siguiente
nav-language = Idioma
steps-label = Pasos
form-refused = Revisa los datos que ingresaste
form-optional = opcional
form-example = Por ejemplo
form-choose = Elige una opción
form-cancel = Cancelar
form-secret-again = Vuelve a escribirlo.
form-missing = Completa este campo.
once-text = Cópialo ahora: solo se muestra una vez.
retry-after = { $seconds ->
    [one] Vuelve a intentarlo en { $seconds } segundo.
   *[other] Vuelve a intentarlo en { $seconds } segundos.
}
sandbox-merchant = Modo de prueba: un ensayo con plataformas simuladas. No se conecta ninguna tienda real.
sandbox-admin = Esta app está en modo de prueba: las plataformas son simuladas.
merchant-foot = Llavero guarda cifrado el acceso a tu tienda. Puedes retirarlo cuando quieras.
admin-overview = Resumen
admin-stores = Tiendas
admin-apps = Apps
admin-platforms = Plataformas
admin-jobs = Tareas
admin-notices = Avisos
admin-audit = Auditoría
admin-admins = Administradores
admin-keys = Claves
admin-sign-in = Iniciar sesión
admin-sign-out = Cerrar sesión
