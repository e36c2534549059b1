# Palabras que rodean cada página.
nav-skip = Ir al contenido
nav-main = Principal
nav-crumbs = Dónde está
nav-pages = Páginas
nav-first = Primera página
nav-next = Página siguiente
nav-language = Idioma
steps-label = Pasos
form-refused = Revise los datos que ingresó
form-optional = opcional
form-example = Por ejemplo
form-choose = Elija una opción
form-cancel = Cancelar
form-secret-again = Vuelva a escribirlo.
form-missing = Complete este campo.
once-text = Cópielo ahora: solo se muestra una vez.
retry-after = { $seconds ->
    [one] Vuelva a intentarlo en { $seconds } segundo.
   *[other] Vuelva a intentarlo en { $seconds } segundos.
}
sandbox-merchant = Modo de prueba: un ensayo con plataformas simuladas. No se conecta ninguna tienda real.
sandbox-admin = Esta app está en modo de prueba: las plataformas son simuladas.
merchant-foot = Llavero guarda cifrado el acceso a su tienda. Puede retirarlo cuando quiera.
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
