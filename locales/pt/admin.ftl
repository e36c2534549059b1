# Palavras que muitas páginas de administração compartilham.
admin-moment = { $day } { $month } { $year }, { $time } UTC
admin-day = { $day } { $month }
admin-just-now = agora mesmo
admin-ago-minutes = { $count ->
    [one] há { $count } minuto
   *[other] há { $count } minutos
}
admin-ago-hours = { $count ->
    [one] há { $count } hora
   *[other] há { $count } horas
}
admin-ago-days = { $count ->
    [one] há { $count } dia
   *[other] há { $count } dias
}
admin-in-minutes = { $count ->
    [one] em { $count } minuto
   *[other] em { $count } minutos
}
admin-in-hours = { $count ->
    [one] em { $count } hora
   *[other] em { $count } horas
}
admin-in-days = { $count ->
    [one] em { $count } dia
   *[other] em { $count } dias
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
    [one] { $count } dia
   *[other] { $count } dias
}
admin-action = O quê
admin-actions = Ações
admin-actor = Quem
admin-all = Todas
admin-app = Aplicativo
admin-code = Código
admin-details = Detalhes
admin-documentation = Documentação da plataforma
admin-edit = Editar
admin-email = E-mail
admin-error = Por quê
admin-example = Exemplo
admin-facts = Dados
admin-health = Saúde
admin-id = Id
admin-installation = Esta instalação
admin-job = Tarefa
admin-key = Chave
admin-made = Criação
admin-meaning = Significado
admin-mode = Modo
admin-never = Nunca
admin-no = Não
admin-no-end = Sem vencimento próprio
admin-notice = Aviso
admin-order = Ordem
admin-partner = Parceiro
admin-platform = Plataforma
admin-reset = Limpar
admin-role = Papel
admin-save = Salvar
admin-saved = Salvo.
admin-scopes = Permissões
admin-search = Buscar
admin-secret = segredo
admin-show = Mostrar
admin-show-all = Mostrar tudo
admin-since = Desde
admin-status = Estado
admin-store = Loja
admin-to = Para
admin-to-admins = Aos administradores
admin-to-app = Ao aplicativo
admin-to-store = À loja
admin-token = Token
admin-tries = Tentativas
admin-used = Último uso
admin-when = Quando
admin-where = Onde encontrar
admin-yes = Sim
admin-wrong-email = Isto não é um e-mail.
admin-wrong-form = Não tem a forma esperada.
admin-wrong-logo = Precisa ser um endereço https.
admin-wrong-name = Precisa ter de 1 a 100 caracteres.
admin-wrong-password = Precisa ter de 12 a 256 caracteres.
admin-wrong-return-urls = Cada um precisa ser um endereço https sem usuário e sem #; no modo sandbox basta um endereço local.
admin-wrong-scopes = Escolha pelo menos uma.
admin-overview-attention = Lojas que precisam do lojista
admin-overview-attention-none = Nenhuma: todas as lojas estão conectadas ou revogadas.
admin-overview-bad = com falha
admin-overview-good = com sucesso
admin-overview-by-day = Renovações nos últimos 14 dias
admin-overview-by-hour = Renovações nas últimas 24 horas
admin-overview-days = Por dia
admin-overview-hours = Por hora
admin-overview-steps = Intervalos do gráfico
admin-overview-dead-letters = Tarefas sem mais tentativas
admin-overview-ending = Terminam em 30 dias
admin-overview-paused = Clientes de plataforma detidos
admin-overview-paused-text = Nenhuma loja tem culpa. A renovação é retomada sozinha após um sucesso.
admin-jobs-none = Nenhuma tarefa aqui
admin-jobs-none-text = As tarefas neste estado aparecem aqui sozinhas.
admin-jobs-shown = { $count ->
    [one] { $count } tarefa
   *[other] { $count } tarefas
}
admin-retry = Tentar de novo
admin-retry-question = Executar esta tarefa de novo: { $kind }?
admin-retry-text = Ela é executada já, com as tentativas contadas de novo. Toda tarefa pode ser executada duas vezes sem risco.
admin-retry-done = A tarefa está sendo executada de novo.
admin-retry-twin = O mesmo trabalho já está em espera; nada foi preciso.
admin-notices-none = Nenhum aviso ainda
admin-notices-none-text = Quando uma loja precisar do lojista, aqui constará o que foi escrito e a quem.
admin-notices-shown = { $count ->
    [one] { $count } aviso
   *[other] { $count } avisos
}
admin-audit-none = Nada foi feito
admin-audit-none-text = Não há registros sobre este assunto. Informe um id completo, como o de uma loja ou aplicativo.
admin-audit-shown = { $count ->
    [one] { $count } registro
   *[other] { $count } registros
}
admin-audit-subject = Assunto
admin-keys-text = Estas chaves selam todos os segredos do banco de dados. Só os ids são mostrados; o material nunca sai do arquivo.
admin-keys-commands = As chaves são criadas e retiradas por comandos: llavero key new, rotate e retire.
admin-ring-active = Ativa
admin-ring-active-text = Sela o que é novo e abre o que selou.
admin-ring-open = Só abre
admin-ring-open-text = Abre o que selou. Pode ser retirada quando tudo estiver selado com a chave ativa.
admin-ring-missing = Fora do chaveiro
admin-ring-missing-text = O banco de dados foi selado com ela e este processo não a tem. Nenhum processo deveria iniciar assim.
admin-ring-different = Outra chave
admin-ring-different-text = O chaveiro tem uma chave com este id que não abre o que o banco de dados selou com ela.
