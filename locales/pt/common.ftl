# Palavras em volta de cada página.
nav-skip = Ir para o conteúdo
nav-main = Principal
nav-crumbs = Onde você está
nav-pages = Páginas
nav-first = Primeira página
nav-next = Próxima página
nav-language = Idioma
steps-label = Etapas
form-refused = Confira os dados informados
form-optional = opcional
form-example = Por exemplo
form-choose = Escolha uma opção
form-cancel = Cancelar
form-secret-again = Digite novamente.
form-missing = Preencha este campo.
once-text = Copie agora: é mostrado uma única vez.
retry-after = { $seconds ->
    [one] Tente de novo em { $seconds } segundo.
   *[other] Tente de novo em { $seconds } segundos.
}
sandbox-merchant = Modo de teste: um ensaio com plataformas simuladas. Nenhuma loja real é conectada.
sandbox-admin = Este app está em modo de teste: as plataformas são simuladas.
merchant-foot = O Llavero guarda o acesso à sua loja de forma criptografada. Você pode retirá-lo quando quiser.
admin-overview = Visão geral
admin-stores = Lojas
admin-apps = Apps
admin-platforms = Plataformas
admin-jobs = Tarefas
admin-notices = Avisos
admin-audit = Auditoria
admin-admins = Administradores
admin-keys = Chaves
admin-sign-in = Entrar
admin-sign-out = Sair
