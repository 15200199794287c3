"""How customers ask for things, in the pattern language of guardrails.yaml (app.core.guards.patterns).

`ASKS` are the words of a wish, `UNLESS` those of a sentence that only looks like one. Accents and case do not count.
"""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "want": {
        "en": (
            *("want", "wanna", "need", "(would|i'd|i'll|we'd) like", "request", "requesting", "demand", "require"),
            *("looking for", "asking for", "ask for", "insist on", "get", "give me", "issue", "process", "send me"),
            *("be given", "expect", "arrange", r"(can|could|may) (i|we)( \w+)? have"),
        ),
        "de": (
            *("möchte", "moechte", "will", "wollen", "brauche", "brauchen", "benötige", "verlange", "fordere"),
            *("hätte gern(e)?", "bitte um", "beantrage", "wünsche", "erwarte"),
        ),
        "fr": (
            *("veux", "voudrais", "voulons", "voudrions", "souhaite", "souhaiterais", "demande", "exige", "aimerais"),
            *("besoin d'", "besoin de", "attends"),
        ),
        "es": (
            *("quiero", "queremos", "quisiera", "necesito", "necesitamos", "solicito", "pido", "exijo", "deseo"),
            *("me gustaría", "espero"),
        ),
    },
    "the": {"en": ("my", "the", "our", "this", "that", "these", "those", "an?", "any", "your", "some")},
    "address_de": {"de": (r"\w{0,20}(adresse|anschrift)",)},
    "sub": {
        "en": (
            *("orders?", "subscriptions?", "memberships?", "bookings?", "reservations?", "renewals?", "contracts?"),
            *("plans?", "trials?", "services?", "appointments?", "purchases?", r"auto-?\w*", "policy", "tickets?"),
        )
    },
}

ASKS: Mapping[str, tuple[str, ...]] = {
    "refund": (
        r"{want}( \w+){0,4} (refund|refunded|reimbursement|reimbursed)",
        "refund (me|us|my|our|the|this|it|one|that|both|them|these|all|order|please|asap|now|immediately|everything)",
        r"(please|pls|to|just|must|kindly|you|u|should) refund",
        r"(a|full|partial) refund( \w+){0,3} please",
        "(refund|refunded) please",
        r"(but|rather) (just )?(a|my) (\w+ )?refund",
        r"(be|get|getting|receive|have … money|have it) (a )?(\w+ )?(refund|refunded)|refunded to (my|our|the)",
        "reverse {the} (transaction|charge|payment)",
        "reimburse (me|us|my|our|the)",
        r"(money|payment)( \w+){0,2} back",
        r"(my|our|the|those) [0-9][0-9.,]*( (eur|euros?|usd|dollars?|gbp|pounds?|chf|francs?|bucks))? back",
        r"(return|give|pay)( me| us){0,1} (back )?(my|our|the) (money|payment|deposit)",
        r"{want}( \w+){0,4} (erstattung|rückerstattung|rueckerstattung|rückzahlung|gutschrift)",
        r"(geld|betrag|kaufpreis)( \w+){0,4} zurück",
        "(zurück)?erstatten",
        r"{want}( \w+){0,4} (zurück)?erstattet",
        r"{want} … remboursements?",
        r"(être|etre|me faire|nous faire|faites-moi) (\w+ )?rembours(é|ée|és|er)",
        "rembours(er|ez)(-moi|-nous)?",
        "rendez-moi … argent",
        r"{want} … (reembolso|devolución (del|de mi|de nuestro) dinero)",
        r"(devuelvan|devuelva|devolver|devolverme|devolvernos|devuélvanme|devuelvanme)( \w+){0,3} (dinero|importe)",
        "reembols(en|ar|e|arme|arnos|enme)",
    ),
    "cancellation": (
        r"cancel( \w+){0,1} ({the}|both|all) ( ?\w+){0,2}",
        r"cancel (it|this|that|them|these|order|both|all|everything|now|immediately|asap|please|number|no|booking)",
        "(please|pls|to|just|do i|can i|could i|can you|could you|kindly) cancel",
        r"(stop|end|terminate|discontinue) {the}( \w+){0,2} {sub}",
        r"{want}( \w+){0,3} (cancellation|cancelled|canceled)",
        r"call off {the}( \w+){0,2} {sub}",
        r"storniere(n)?|stornierung|(abo\w*|vertrag|mitgliedschaft) … (kündigen|beenden)|kündigen|kuendigen|kündige",
        r"(bestellung|auftrag|buchung) … (abbrechen|canceln|widerrufen)",
        r"{want} … kündigung",
        r"annule[rz]|résilie[rz]",
        r"{want} … (annulation|résiliation)",
        r"cancela(r|rla|rlo)|cancele(n)?|cancélen\w{0,3}|anular(la|lo)?|anule(n)?",
        r"{want} … (cancelación|anulación)",
        r"baja … (suscripción|servicio|plan)",
    ),
    "order_change": (
        r"(change|modify|amend|adjust|edit|correct|update) {the}( \w+){0,2} "
        r"(order|booking|reservation|delivery date|size|colou?r|quantity|appointment)",
        r"(change|modify|amend|adjust|correct|change to|changes to)( my| our)? (orders?|bookings?|reservations?)",
        r"add … to {the}( \w+){0,1} (order|booking|reservation)",
        r"add … to (order|booking|reservation)",
        r"(remove|take) … (from|off)( {the})?( \w+){0,1} (order|booking|reservation)",
        r"(swap|change|switch) (it|this|them|that) (in|for|to)",
        r"(move|reschedule|postpone|shift|rebook) {the}( \w+){0,2} "
        r"(stay|booking|reservation|appointment|delivery|flight|trip|order)",
        "please correct (it|this|that)",
        r"(bestellung|auftrag|buchung|termin|reservierung) … (ändern|aendern|anpassen|umbuchen|verschieben)",
        r"(ändern|anpassen|ändere) … (bestellung|auftrag|buchung|größe|menge)|umbuchen",
        r"(modifier|changer|décaler|reporter) … (commande|réservation|taille|couleur|rendez-vous|date)",
        r"(modificar|cambiar|modifiquen|cambien|cambie) … (pedido|reserva|talla|fecha|cita)",
    ),
    "address_change": (
        r"(change|update|correct|edit|fix|amend|replace|changed)( \w+){0,4} (address|adress|addres)",
        r"{want} … (change|changed|update|updated) … (address|adress|addres)|(my|our) new address (is|will)",
        r"address … (changed|updated|corrected)",
        r"address … (please|pls|can you|could you)( \w+){0,2} (update|change|correct)",
        r"(ship|send|deliver|redirect)( \w+){0,2} to (my|our|a|the) "
        r"(new|other|different)( \w+){0,1} (address|office|place)",
        r"{address_de} … (ändern|aendern|aktualisieren|anpassen|korrigieren|berichtigen|geändert)",
        r"(ändern|ändere|aktualisieren|korrigieren) … {address_de}",
        r"(changer|modifier|corriger|mettre à jour|changez|modifiez) … adresse",
        r"(cambiar|cambien|cambie|modificar|modifiquen|actualizar|actualicen|corregir|corrijan) … dirección",
    ),
    "account_closure": (
        r"(close|delete|deactivate|remove|cancel|terminate|disable|end)( \w+){0,3} (accounts?|profile)",
        r"(account|profile) be (closed|deleted|deactivated|removed|terminated)",
        r"shut down( \w+){0,2} account",
        r"{want}( \w+){0,3} (account|profile)( \w+){0,2} (closed|deleted|deactivated|removed)",
        r"(konto|account|benutzerkonto|profil) … (löschen|loeschen|schließen|kündigen|auflösen|gelöscht|deaktivieren)",
        r"(löschen|lösche|schließen|schliessen|löscht) … (konto|account|benutzerkonto|kundenkonto|profil)",
        r"(fermer|supprimer|clôturer|fermez|supprimez|clôturez|désactiver) … compte",
        r"(cerrar|cierren|eliminar|eliminen|borrar|borren|cancelar|desactivar|cierre) … cuenta",
    ),
    "password_reset": (
        r"(reset|resetting|forgot|forgotten|forget|forgetting|lost|recover|retrieve|change|remember)( \w+){0,3} "
        r"(password|passcode|passphrase|pass code|pin|login)",
        r"(what|which|know|sure)( \w+){0,2} my (password|passcode|pin)( is)?|forgot( \w+){0,1} code",
        r"(password|passcode|pin) "
        r"(retrieval|recovery|doesn't|does not|isn't|won't|not|was denied|is wrong|is incorrect)",
        r"password( \w+){0,3} reset|reset link|new password|locked out( of {the}( \w+){0,1} account)?",
        r"(passwort|kennwort) … (zurücksetzen|zuruecksetzen|vergessen|ändern)|neues (passwort|kennwort)",
        r"(vergessen|zurücksetzen) … (passwort|kennwort)",
        r"mot de passe … (réinitialiser|oublié|changer|perdu)|(oublié|réinitialiser|changer|perdu) … mot de passe",
        r"(olvidé|olvidado|restablecer|recuperar|cambiar|resetear|perdí) … contraseña",
        r"contraseña … (olvidé|olvidado|restablecer|restablecerla|recuperar|resetear)",
    ),
    "replacement": (
        r"{want}( \w+){0,3} (replacement|new one|another one|substitute|exchange)",
        r"(send|ship|mail|deliver|post)( \w+){0,4} (replacements?|new ones?|another one|right one|right item|new unit)",
        r"(send|ship|mail|deliver)( \w+){0,2} (correct|right|missing)( \w+){0,1} (one|item|items|part|parts|product)",
        r"(but|rather) (just )?(a|an|the|another) (\w+ )?(replacement|new one|exchange)",
        r"replace (it|the|this|that|my|them|these|both)",
        r"(sent|shipped) (out )?again|(resend|reship|re-send) (it|the|my|them|this|our)",
        r"exchange (it|this|that|the|my|them|these)",
        r"{want}( \w+){0,2} new \w+( \w+){0,1} (sent|shipped|delivered)",
        r"{want} … ersatz\w{0,10}|ersatzlieferung|austauschen|umtauschen|austausch",
        r"(schicken|senden|schickt|sendet|liefern) … (ersatz|neue[nsr]?|neu|noch einmal|nochmal)",
        r"{want} … neue[nsr]?",
        r"(envoyer|envoyez|envoyez-moi|renvoyer|renvoyez|renvoyez-moi) … (nouveau|nouvelle|nouvel|remplacement|autre)",
        r"{want} … (remplacement|nouveau|nouvelle|un autre|une autre)|remplace[rz]|échange[rz]",
        r"(envíen|enviar|enviarme|envíenme|manden|mandar|mándenme|mandarme) … (otr[oa]|nuev[oa]|reemplazo|repuesto)",
        r"{want} … (otr[oa] nuev[oa]|un[oa]? nuev[oa]|reemplazo|repuesto|cambio por)|reemplazar(l[oa])?|reemplacen",
    ),
    "return": (
        r"(to|can i|could i|how do i|please|and|will) (return|send back) (it|the|this|that|these|my|them|those|an?)",
        "(want|like|wish|need|have|how|able|trying|going) to return",
        r"(send|sending|ship) (it|them|this|these|that|the \w+) back",
        r"return label|(start|arrange|request|initiate|open) a return|{want} a return",
        r"zurückschicken|zurückgeben|zurücksenden|zurueckschicken|retournieren|{want} … (rücksendung|retoure)",
        r"retoure(n)?label|rücksendeetikett",
        r"(retourner|renvoyer|rendre) (le|la|les|cet|cette|ce|mon|ma|un|une)|étiquette de retour",
        r"(devolver|devolverlo|devolverla) (el|la|los|las|este|esta|estos|mi|un|una)|etiqueta de devolución",
    ),
    "invoice_copy": (
        r"(send|resend|email|e-mail|forward|need|provide|want|get|issue|download|mail|receive)( \w+){0,5} "
        r"(invoices?|receipts?)",
        r"copy of( \w+){0,4} (invoice|receipt|bill)",
        r"(see|view|show|find|check)( \w+){0,5} (invoices?|receipts?|bills?)",
        r"(can|could|may) (i|we|you)( \w+){0,5} (invoice|receipt)",
        r"(schicken|senden|zusenden|schickt|brauche|benötige|benötigen|zukommen|{want}) … rechnung",
        r"rechnung … "
        r"(schicken|senden|zusenden|zuschicken|zukommen|mailen|zugeschickt)|rechnungskopie|kopie der rechnung",
        r"(envoyer|envoyez|envoyez-moi|renvoyer|recevoir|obtenir|transmettre|{want}) … facture|duplicata de … facture",
        r"(enviar|envíen|enviarme|envíenme|mandar|manden|mándenme|reenviar|reenvíen|{want}) … "
        r"factura|copia de la factura",
    ),
    "data_export": (
        r"(export|download|extract)( \w+){0,4} (data|information|everything|records|workspace|history|contacts)",
        r"export (all|everything|my|our)|exports? of( \w+){0,3} (data|records|everything)",
        r"(copy of|access to|send me)( \w+){0,5} data|subject access request",
        r"daten … (exportieren|herunterladen)|(exportieren|export|kopie|auskunft) … daten|datenauskunft",
        r"(exporter|export|copie|télécharger) … données",
        r"(exportar|exporten|exportación|copia) … datos",
    ),
    "data_deletion": (
        r"(delete|erase|remove|wipe|purge)( \w+){0,4} (data|information|records|details)|right to be forgotten",
        r"daten … löschen|(löschen|lösche) … daten",
        r"(supprimer|effacer|supprimez|effacez) … données",
        r"(borrar|borren|eliminar|eliminen|suprimir|supriman) … datos",
    ),
    "speak_to_a_person": (
        r"(speak|talk|chat|speaking|talking|connect|transfer|put|escalate|pass)( \w+){0,2} (to|with"
        r"|through)( \w+){0,4} "
        r"(human|humans|person|someone|somebody|agent|manager|supervisor|representative|rep|operator|lead|staff|boss)",
        r"(real|actual|live) (person|human|agent|people)|human (agent|being|person)",
        r"{want} ({the} )?(\w+ )?(manager|supervisor|human|representative|operator)( to)?",
        r"get (a|your|the) (manager|supervisor|human|boss)",
        r"(mit|an) "
        r"(\w+ ){0,3}(mitarbeiter\w{0,3}|menschen|person|vorgesetzten?|berater\w{0,2}|manager|chef|jemandem|jemand)"
        r"( \w+){0,3} (sprechen|reden|verbinden|verbunden|telefonieren)",
        r"(sprechen|reden|verbinden) … "
        r"(mitarbeiter\w{0,3}|menschen|vorgesetzten?|berater)|echte[nrm]? (mensch|person)\w{0,2}",
        r"(parler|discuter|contacter) … (quelqu'un|conseiller|conseillère|humain|personne|responsable|agent|manager)",
        r"(hablar|comunicarme) "
        r"con( \w+){0,2} (persona|humano|agente|alguien|supervisor|encargad[oa]|gerente|responsable)",
    ),
    "status_update": (
        r"where('s|s| is| are) (my|our)",
        r"where('s|s| is| are) (the|this|that) "
        r"(\w+ )?(order|parcel|package|delivery|refund|shipment|money|item|tracking)",
        r"(tell|know|ask|check|see|find out)( \w+){0,3} (where|when)( \w+){0,6} (is|arrives?|delivered"
        r"|delivery|shipped|coming)",
        r"when (will|does|is|can|should|do|are)( \w+){0,6} (arrive|come|ship|delivered|shipped|get|receive"
        r"|back|here|expect)",
        r"when( \w+){1,5} will( \w+){0,2} (arrive|come|be delivered|get here|ship)",
        r"(track|locate|trace)( \w+){0,3} (orders?|package|parcel|shipment|refund|delivery|item|purchase)",
        r"(did|has|was|is|have) (my|our) (order|package|parcel|item|items|shipment|refund|delivery|money)",
        r"waiting (on|for)( \w+){0,5} (refund|order|package|parcel|delivery|money|item)|updates (on|about)",
        r"(can't|cannot|don't|do not|not|haven't|didn't) (see|seen|received|got|find|get)( \w+){0,3} refund",
        r"missing … refund|refund … (not|isn't|hasn't)( \w+){0,2} (showing|shown|posted|arrived|there|received)",
        r"status of|status update|refund status|order status|{want}( me)? (an|some|any)( \w+)? update"
        r"|any (update|news)|how much longer",
        r"(what's|what is) (happening|going on) with",
        r"wo (ist|bleibt|bleiben|sind)( \w+){0,2} (paket|bestellung|lieferung|ware|sendung|geld|erstattung|päckchen)",
        r"wann (kommt|wird|kommen|bekomme|bekommen|erhalte|werden)|liefertermin|{want}( \w+){0,3} (stand|status)",
        r"(où|ou) (est|sont|en est) (ma|mon|mes|la|le|notre|mon)|quand (vais-je|arrive|sera|recevrai)|où en est",
        r"dónde (está|están|esta|estan)( \w+){0,1} (pedido|paquete|dinero|envío|reembolso|compra)",
        r"cuándo (llega|llegará|recibiré|recibo|me llega)|estado de(l)?",
    ),
    "plan_change": (
        r"(upgrade|downgrade) (me|us|my|our|the|from|to)",
        r"(switch|move|change|put)( \w+){0,4} (plan|tier|subscription|annual|yearly|monthly|business|pro"
        r"|premium|enterprise)",
        r"(tarif|paket|abo|plan) … (wechseln|upgraden|downgraden)|(wechseln|wechsle) … (tarif|plan|paket|abo)",
        r"(changer|passer) … (forfait|abonnement|formule|offre)",
        r"cambiar( \w+){0,2} (plan|tarifa)|mejorar mi plan",
    ),
}

# Asked for by saying what does not work, so a denial within the phrase belongs to it.
TROUBLES = frozenset({"status_update", "password_reset"})

UNLESS: Mapping[str, tuple[str, ...]] = {
    "refund": (
        r"(refund|return|money back) (policy|policies|guarantee|terms|conditions)|refund status",
        r"(where|when|status of|how long|how much longer) … (refund|reimbursement|money|payment)",
        r"(refund|reimbursement|money) … (status|arrived|came through)",
        r"(told|promised|assured)( \w+){0,8} (refund|money back)",
        r"waiting (on|for)( \w+){0,5} (refund|money)|missing … refund|refund … (yet|showing|shown|posted|missing)",
        r"(can't|cannot|don't|do not|not|haven't|didn't|isn't|why) (see|seen|received|got|find|is|get|isn't) … refund",
        r"(check|track|see if|find out|learn|learning|know)( \w+){0,6} refunds?|(offer|give|accept) refunds",
        r"already( \w+){0,3} (refund|refunded|reimbursed)|refund … take",
        r"(wo|wann) … (geld|erstattung|rückzahlung)|(où|quand) … (remboursement|argent)",
        r"(dónde|cuándo) … (reembolso|dinero)",
    ),
    "cancellation": (
        r"(cancel|terminate|close)( \w+){0,2} (account|profile)|konto … kündigen|cancelar … cuenta|résilier … compte",
        r"cancel(lation)? (policy|policies|fee|terms)",
        r"(they|he|she|who) cancel",
    ),
    "order_change": (r"address|\w{0,20}(adresse|anschrift)|dirección",),
    "address_change": (r"(e-?mail|ip|mac|web) address|adresse (e-?)?mail|dirección de correo|mailadresse",),
    "password_reset": (r"(password|passcode) (policy|policies|rules|requirements)",),
    "replacement": (
        r"invoice|receipt|password|passwort|rechnung|facture|mot de passe|factura|contraseña|duplicata",
        r"(reset|verification|confirmation) (e-?mail|link|code)",
        r"(exchange|currency) rates?|currency exchange|exchange … currency|(how|when|where)( \w+){0,6} replace",
    ),
    "return": (
        r"return (my|the|our|a|this) (call|e-?mail|message|money|payment|deposit)|send (my|the|our) money",
        r"return (policy|policies|window)|devolver … dinero",
    ),
    "invoice_copy": (
        r"pay( \w+){0,4} (invoice|bill|receipt)|(dinero|pagar|importe) … factura|rechnung … "
        r"(bezahl\w+|zahlen|begleichen)",
        r"payer … facture|already( \w+){0,2} (sent|received|have)",
    ),
    "speak_to_a_person": (r"are you (a|an|really)|(manager|supervisor|agent) (said|told|already|promised)",),
    "plan_change": (
        r"(update|change)( \w+){0,2} (address|password|e-?mail)",
        "(seat|cabin|class|economy|flight|room|reservation|booking|order|phone|delivery|shipping)",
    ),
}
