# Palabras que comparten muchas páginas de administración.
admin-moment = { $day } { $month } { $year }, { $time } UTC
admin-day = { $day } { $month }
admin-just-now = ahora mismo
admin-ago-minutes = { $count ->
    [one] hace { $count } minuto
   *[other] hace { $count } minutos
}
admin-ago-hours = { $count ->
    [one] hace { $count } hora
   *[other] hace { $count } horas
}
admin-ago-days = { $count ->
    [one] hace { $count } día
   *[other] hace { $count } días
}
admin-in-minutes = { $count ->
    [one] en { $count } minuto
   *[other] en { $count } minutos
}
admin-in-hours = { $count ->
    [one] en { $count } hora
   *[other] en { $count } horas
}
admin-in-days = { $count ->
    [one] en { $count } día
   *[other] en { $count } días
}
admin-seconds = { $count ->
    [one] { $count } segundo
   *[other] { $count } segundos
}
admin-minutes = { $count ->
    [one] { $count } minuto
   *[other] { $count } minutos
}
admin-hours = { $count ->
    [one] { $count } hora
   *[other] { $count } horas
}
admin-days = { $count ->
    [one] { $count } día
   *[other] { $count } días
}
admin-action = Qué
admin-actions = Acciones
admin-actor = Quién
admin-all = Todas
admin-app = Aplicación
admin-code = Código
admin-details = Detalles
admin-documentation = Documentación de la plataforma
admin-edit = Editar
admin-email = Correo electrónico
admin-error = Por qué
admin-example = Ejemplo
admin-facts = Datos
admin-health = Salud
admin-id = Id
admin-installation = Esta instalación
admin-job = Tarea
admin-key = Clave
admin-made = Creación
admin-meaning = Significado
admin-mode = Modo
admin-never = Nunca
admin-no = No
admin-no-end = Sin vencimiento propio
admin-notice = Aviso
admin-order = Orden
admin-partner = Socio
admin-platform = Plataforma
admin-reset = Restablecer
admin-role = Rol
admin-save = Guardar
admin-saved = Guardado.
admin-scopes = Permisos
admin-search = Buscar
admin-secret = secreto
admin-show = Mostrar
admin-show-all = Mostrar todo
admin-since = Desde
admin-status = Estado
admin-store = Tienda
admin-to = Para
admin-to-admins = A los administradores
admin-to-app = A la aplicación
admin-to-store = A la tienda
admin-token = Token
admin-tries = Intentos
admin-used = Último uso
admin-when = Cuándo
admin-where = Dónde está
admin-yes = Sí
admin-wrong-email = No es un correo electrónico.
admin-wrong-form = No tiene la forma esperada.
admin-wrong-logo = Debe ser una dirección https.
admin-wrong-name = Debe tener entre 1 y 100 caracteres.
admin-wrong-password = Debe tener entre 12 y 256 caracteres.
admin-wrong-return-urls = Cada una debe ser una dirección https sin usuario y sin #; en modo sandbox basta una dirección local.
admin-wrong-scopes = Elige al menos uno.
admin-overview-attention = Tiendas que necesitan a su comerciante
admin-overview-attention-none = Ninguna: todas las tiendas están conectadas o revocadas.
admin-overview-bad = fallidas
admin-overview-good = correctas
admin-overview-by-day = Renovaciones en los últimos 14 días
admin-overview-by-hour = Renovaciones en las últimas 24 horas
admin-overview-days = Por día
admin-overview-hours = Por hora
admin-overview-steps = Intervalos del gráfico
admin-overview-dead-letters = Tareas sin más intentos
admin-overview-ending = Terminan en 30 días
admin-overview-paused = Clientes de plataforma detenidos
admin-overview-paused-text = Ninguna tienda tiene la culpa. La renovación se reanuda sola tras un éxito.
admin-jobs-none = Ninguna tarea aquí
admin-jobs-none-text = Las tareas en este estado aparecen aquí por sí solas.
admin-jobs-shown = { $count ->
    [one] { $count } tarea
   *[other] { $count } tareas
}
admin-retry = Reintentar
admin-retry-question = ¿Ejecutar de nuevo esta tarea: { $kind }?
admin-retry-text = Se ejecuta de inmediato y los intentos se cuentan de nuevo. Toda tarea puede ejecutarse dos veces sin riesgo.
admin-retry-done = La tarea se ejecuta de nuevo.
admin-retry-twin = El mismo trabajo ya está en espera; no hizo falta nada.
admin-notices-none = Ningún aviso todavía
admin-notices-none-text = Cuando una tienda necesite a su comerciante, aquí consta qué se escribió y a quién.
admin-notices-shown = { $count ->
    [one] { $count } aviso
   *[other] { $count } avisos
}
admin-audit-none = No se hizo nada
admin-audit-none-text = No hay entradas sobre este asunto. Escribe un id completo, como el de una tienda o aplicación.
admin-audit-shown = { $count ->
    [one] { $count } entrada
   *[other] { $count } entradas
}
admin-audit-subject = Asunto
admin-keys-text = Estas claves sellan todos los secretos de la base de datos. Solo se muestran sus ids; el material nunca sale de su archivo.
admin-keys-commands = Las claves se crean y se retiran con comandos: llavero key new, rotate y retire.
admin-ring-active = Activa
admin-ring-active-text = Sella lo nuevo y abre lo que selló.
admin-ring-open = Solo abre
admin-ring-open-text = Abre lo que selló. Puede retirarse cuando todo esté sellado con la clave activa.
admin-ring-missing = No está en el llavero
admin-ring-missing-text = La base de datos se selló con ella y este proceso no la tiene. Ningún proceso debería arrancar así.
admin-ring-different = Otra clave
admin-ring-different-text = El llavero tiene una clave con este id que no abre lo que la base de datos selló con ella.
