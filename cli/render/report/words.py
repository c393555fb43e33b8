"""Every word of a report in both languages: the only table of them. Pure."""

from decimal import Decimal
from typing import Literal, get_args

Lang = Literal["en", "pt-BR"]
LANGS: tuple[Lang, ...] = get_args(Lang)

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400

# What each key says, in the order of LANGS; {names} are filled in, and escaped as any other text.
WORDS: dict[str, tuple[str, str]] = {
    # the page
    "title": ("Price ledger report", "Relatório do livro de preços"),
    "skip": ("Skip to the report", "Ir para o relatório"),
    "contents": ("Contents", "Conteúdo"),
    "stands": (
        (
            "Everything on this page follows from the first {position} events of the log, the last of them recorded at "
            "{at}. Ages count from that time, not from the time of reading."
        ),
        (
            "Tudo nesta página decorre dos primeiros {position} eventos do log, o último deles gravado em {at}. As "
            "idades contam a partir desse instante, e não do momento da leitura."
        ),
    ),
    "sample": (
        "Synthetic sample data: no price here was ever traded.",
        "Dados sintéticos de amostra: nenhum preço daqui foi negociado.",
    ),
    "about": ("About {tickers} only.", "Somente sobre {tickers}."),
    "left_out": (
        "{count} more tickers of files brought by hand have no section here: name them with --ticker.",
        "Outros {count} tickers de arquivos trazidos à mão não têm seção aqui: use --ticker.",
    ),
    "none": ("none recorded", "nenhum registro"),
    "never": ("never", "nunca"),
    "unknown": ("not known", "não se sabe"),
    "newest": ("The newest {shown} of {count}.", "Os {shown} mais recentes de {count}."),
    "footer": (
        "Ledger {ledger}, position {position}, head {head}. The same position gives the same bytes.",
        "Livro {ledger}, posição {position}, cabeça {head}. A mesma posição dá os mesmos bytes.",
    ),
    # at a glance
    "glance": ("At a glance", "Em resumo"),
    "chain.intact": ("The chain holds", "A cadeia confere"),
    "chain.tampered": ("The log was altered", "O log foi alterado"),
    "chain.forked": ("The log contradicts itself", "O log se contradiz"),
    "chain.intact.how": (
        (
            "All {position} events were re-hashed and read for this page. A head kept elsewhere shows what this "
            "cannot: that nothing is missing at the end and nothing was rewritten."
        ),
        (
            "Todos os {position} eventos foram lidos e tiveram o hash recalculado para esta página. Uma cabeça "
            "guardada em outro lugar mostra o que isto não mostra: que nada falta no fim e nada foi reescrito."
        ),
    ),
    "chain.bad.how": (
        (
            "Event {seq} does not hold: {kind}: got {found}, want {expected}. Nothing that is folded from this log can "
            "be believed, so nothing else is shown."
        ),
        (
            "O evento {seq} não confere: {kind}: veio {found}, esperava-se {expected}. Nada que decorra deste log "
            "merece crédito, e por isso nada mais é mostrado."
        ),
    ),
    "ledger": ("Ledger", "Livro"),
    "kind.real": ("real data", "dados reais"),
    "kind.sample": ("sample data", "dados de amostra"),
    "created": ("Created", "Criado"),
    "by": ("{at} by {software}", "{at} por {software}"),
    "position": ("Position", "Posição"),
    "events": ("{count} events, the last with seq {seq}", "{count} eventos, o último com seq {seq}"),
    "recorded": ("Recorded at", "Gravado em"),
    "head": ("Head", "Cabeça"),
    "tickers": ("Tickers", "Tickers"),
    "tally": (
        "{critical} critical, {warning} warning, {ok} ok",
        "{critical} em estado crítico, {warning} em atenção, {ok} em ordem",
    ),
    "missing": ("Missing sessions", "Pregões ausentes"),
    "doubted": ("Corporate actions in doubt", "Eventos corporativos em dúvida"),
    "newest.backup": ("Last backup", "Último backup"),
    "newest.verified": ("Last recorded verification", "Última verificação registrada"),
    "newest.checkpoint": ("Last checkpoint", "Último checkpoint"),
    "covers": (
        "{detail}, {age} before, {uncovered} events not covered",
        "{detail}, {age} antes, {uncovered} eventos não cobertos",
    ),
    # tickers
    "health": ("How each ticker goes", "Como vai cada ticker"),
    "health.caption": (
        "Freshness and health per ticker; late is more than {limit} since the last ingest with a session due",
        "Atualidade e saúde por ticker; atraso é mais de {limit} desde a última ingestão com pregão devido",
    ),
    "ticker": ("Ticker", "Ticker"),
    "severity": ("Health", "Saúde"),
    "severity.ok": ("ok", "em ordem"),
    "severity.warning": ("warning", "atenção"),
    "severity.critical": ("critical", "crítico"),
    "severity.none": ("no ingest", "sem ingestão"),
    "reason": ("Reason", "Motivo"),
    "reason.ahead": (
        "its last ingest is {age} ahead of the position",
        "a última ingestão está {age} à frente da posição",
    ),
    "reason.late": (
        "{age} since its last ingest; sessions behind: {behind}",
        "{age} desde a última ingestão; pregões em atraso: {behind}",
    ),
    "reason.run": ("the last run ended as {status}", "a última execução terminou como {status}"),
    "reason.rows": (
        "last answer: {rejected} rows rejected, {flagged} flagged",
        "última resposta: {rejected} linhas rejeitadas, {flagged} sinalizadas",
    ),
    "retired": ("ended on {on}", "encerrado em {on}"),
    "retired.into": ("ended on {on}, goes on as {into}", "encerrado em {on}, continua como {into}"),
    "last_ingest": ("Last ingest", "Última ingestão"),
    "age": ("Age", "Idade"),
    "last_session": ("Last session", "Último pregão"),
    "behind": ("Behind", "Em atraso"),
    "missing.short": ("Missing", "Ausentes"),
    "sessions": ("Sessions", "Pregões"),
    "source": ("Source", "Fonte"),
    # alerts
    "alerts": ("Alerts", "Alertas"),
    "alerts.caption": (
        "What main alerts raised on the record; those that are not over first, then the newest",
        "O que main alerts registrou; primeiro os que ainda não acabaram, depois os mais recentes",
    ),
    "metric": ("Metric", "Métrica"),
    "alert.severity": ("Severity", "Gravidade"),
    "alert.ledger": ("the ledger", "o livro"),
    "raised": ("Raised at", "Aberto em"),
    "over": ("Over at", "Encerrado em"),
    "alert.open": ("not over", "em aberto"),
    # runs
    "runs": ("Last runs", "Últimas execuções"),
    "runs.caption": ("Attempts to ingest, newest first", "Tentativas de ingestão, da mais recente à mais antiga"),
    "failures": ("Last failures", "Últimas falhas"),
    "failures.caption": (
        "Runs that ended with nothing accepted, newest first",
        "Execuções que terminaram sem nada aceito, da mais recente à mais antiga",
    ),
    "status": ("Status", "Situação"),
    "status.success": ("success", "sucesso"),
    "status.warning": ("warning", "atenção"),
    "status.rejected": ("rejected", "rejeitada"),
    "status.error": ("error", "erro"),
    "status.locked": ("locked", "bloqueada"),
    "status.pending": ("pending", "pendente"),
    "status.superseded": ("set aside", "posta de lado"),
    "attempt": ("Attempt", "Tentativa"),
    "finished": ("Finished", "Fim"),
    "duration": ("Duration, ms", "Duração, ms"),
    "accepted": ("Accepted", "Aceitas"),
    "rejected": ("Rejected", "Rejeitadas"),
    "flagged": ("Flagged", "Sinalizadas"),
    "error": ("Error", "Erro"),
    "seq": ("Seq", "Seq"),
    # prices
    "prices": ("Prices and their revisions", "Preços e suas revisões"),
    "prices.none": ("No session is held.", "Nenhum pregão no livro."),
    "series.split_adjusted": (
        "Closes in reais as {source} has them, adjusted for splits and not for dividends.",
        "Fechamentos em reais como {source} os informa, ajustados por desdobramentos e não por proventos.",
    ),
    "series.as_traded": (
        "Closes in reais as {source} has them, as traded.",
        "Fechamentos em reais como {source} os informa, como negociados.",
    ),
    "chart.title": ("{ticker}: close from {first} to {last}", "{ticker}: fechamento de {first} a {last}"),
    "chart.desc": (
        (
            "{sessions} sessions. Lowest close {low} on {low_day}, highest {high} on {high_day}, last {close}. "
            "Corrected {correction}, withdrawn {withdrawn}, came late {late}, missing {missing}."
        ),
        (
            "{sessions} pregões. Menor fechamento {low} em {low_day}, maior {high} em {high_day}, último {close}. "
            "Corrigidos {correction}, retirados {withdrawn}, atrasados {late}, ausentes {missing}."
        ),
    ),
    "mark.correction": ("corrected, with a line to the close before", "corrigido, com traço até o fechamento anterior"),
    "mark.withdrawn": ("withdrawn by the provider", "retirado pelo provedor"),
    "mark.late": ("came late", "chegou atrasado"),
    "mark.missing": ("missing", "ausente"),
    "mark.split": ("split or the like", "desdobramento ou semelhante"),
    "mark.paid": ("dividend or other payment", "dividendo ou outro provento"),
    "rescaled": (
        "{count} sessions were rescaled as a whole after a split or dividend: counted here, not marked.",
        "{count} pregões foram reescalados em bloco após desdobramento ou provento: contados aqui, sem marca.",
    ),
    "revisions": ("Revisions of {ticker}", "Revisões de {ticker}"),
    "actions": ("Corporate actions of {ticker}", "Eventos corporativos de {ticker}"),
    "doubts": ("Corporate actions of {ticker} in doubt", "Eventos corporativos de {ticker} em dúvida"),
    "family": ("What", "O quê"),
    "told": ("Told", "Dito"),
    "gaps": ("Missing sessions of {ticker}", "Pregões ausentes de {ticker}"),
    "date": ("Session", "Pregão"),
    "field": ("Field", "Campo"),
    "field.open": ("open", "abertura"),
    "field.high": ("high", "máxima"),
    "field.low": ("low", "mínima"),
    "field.close": ("close", "fechamento"),
    "field.adj_close": ("adjusted close", "fechamento ajustado"),
    "field.volume": ("volume", "volume"),
    "old": ("Before", "Antes"),
    "new": ("After", "Depois"),
    "change": ("Change", "Variação"),
    "cause": ("Cause", "Causa"),
    "cause.first": ("first", "primeiro"),
    "cause.late": ("came late", "chegou atrasado"),
    "cause.correction": ("correction", "correção"),
    "cause.withdrawn": ("withdrawn", "retirado"),
    "learned": ("Learned at", "Conhecido em"),
    "action": ("Action", "Evento"),
    "action.dividend": ("dividend", "dividendo"),
    "action.interest_on_capital": ("interest on capital", "juros sobre capital próprio"),
    "action.income": ("income", "rendimento"),
    "action.amortization": ("amortization", "amortização"),
    "action.capital_gain": ("capital gain", "ganho de capital"),
    "action.split": ("split", "desdobramento"),
    "action.bonus": ("bonus shares", "bonificação"),
    "action.grouping": ("reverse split", "grupamento"),
    "action.subscription": ("subscription", "subscrição"),
    "action.spin_off": ("spin-off", "cisão"),
    "action.redemption": ("redemption", "resgate"),
    "amount": ("Per share", "Por ação"),
    "ratio": ("{denominator} to {numerator}", "{denominator} para {numerator}"),
    "asked": ("Times asked", "Vezes pedido"),
    "last_asked": ("Last asked at", "Último pedido em"),
    "why": ("Why", "Por quê"),
    "gap.rejected": ("its row was rejected", "sua linha foi rejeitada"),
    "gap.answers": ("{count} answers rejected whole", "{count} respostas rejeitadas por inteiro"),
    "gap.behind": ("the series has not reached it", "a série ainda não chegou lá"),
    "gap.absent": ("not in the answers", "não veio nas respostas"),
    # sources
    "sources": ("Sources", "Fontes"),
    "sources.caption": (
        "Whose prices are held; of several that hold a ticker the first of {order} is read",
        "De quem são os preços; de várias que tenham um ticker, lê-se a primeira de {order}",
    ),
    "read": ("Tickers read", "Tickers lidos"),
    "held": ("Tickers held", "Tickers no livro"),
    "first": ("First session", "Primeiro pregão"),
    # custody
    "custody": ("What was done with the log", "O que foi feito com o log"),
    "custody.caption": (
        "Backups, verifications, checkpoints, restores and accepted heads, newest first",
        "Backups, verificações, checkpoints, restaurações e cabeças aceitas, do mais recente ao mais antigo",
    ),
    "event": ("Event", "Evento"),
    "event.backup.created/2": ("backup", "backup"),
    "event.backup.failed/1": ("backup or restore failed", "backup ou restauração falhou"),
    "event.backup.pruned/1": ("backups given up", "backups descartados"),
    "event.backup.restored/1": ("restored from a backup", "restaurado de um backup"),
    "event.head.accepted/1": ("head accepted by a person", "cabeça aceita por uma pessoa"),
    "event.log.verified/1": ("verification", "verificação"),
    "event.checkpoint.signed/1": ("checkpoint signed", "checkpoint assinado"),
    "size": ("Events covered", "Eventos cobertos"),
    "detail": ("Detail", "Detalhe"),
    # repeating it
    "repeat": ("Repeat it", "Repetir"),
    "repeat.how": (
        (
            "On the ledger, or on a backup of it with --ledger FILE. Whoever kept the head above elsewhere can tell "
            "from the second command whether the ledger still holds it."
        ),
        (
            "No livro, ou num backup dele com --ledger ARQUIVO. Quem guardou a cabeça acima em outro lugar vê pelo "
            "segundo comando se o livro ainda a tem."
        ),
    ),
}


class Phrases:
    """The words of one language, and numbers as it writes them; days and times are ISO in both."""

    def __init__(self, lang: Lang) -> None:
        self.lang = lang
        self._column = LANGS.index(lang)
        self._marks = str.maketrans({} if lang == "en" else {",": ".", ".": ","})

    def __call__(self, key: str, **values: object) -> str:
        """Return what `key` says, `values` filled in; numbers among them as the language writes them."""
        filled = {name: self.number(one) if isinstance(one, int | Decimal) else one for name, one in values.items()}
        return WORDS[key][self._column].format(**filled)

    def number(self, value: Decimal | float) -> str:
        """Return a whole number or an exact price, thousands apart."""
        return (f"{value:,}" if isinstance(value, int) else f"{value:,f}").translate(self._marks)

    def percent(self, ratio: float) -> str:
        """Return a relative change in percent, with its sign."""
        return f"{ratio:+.2%}".translate(self._marks)

    def age(self, seconds: float) -> str:
        """Return how long something is, in its two largest units."""
        left = int(seconds)
        days, hours, minutes = left // DAY_S, left % DAY_S // HOUR_S, left % HOUR_S // MINUTE_S
        if days:
            return f"{self.number(days)} d {hours} h"
        return f"{hours} h {minutes} min" if hours else f"{minutes} min {left % MINUTE_S} s"
