// What a browser is shown where the gateway answers in place of a front.

const SECONDS_TO_RELOAD = 5;

const TEXTS = {
    en: {
        titles: {
            429: 'Too many requests',
            503: 'Not available at the moment',
            504: 'This takes too long',
        },
        details: {
            429: 'Too many requests came from your network within a minute.',
            503: 'This part of Tools Dashboard does not answer. Try again shortly.',
            504: 'This part of Tools Dashboard did not answer in time. Try again shortly.',
        },
        reloads: 'This page loads itself again every ' + SECONDS_TO_RELOAD + ' seconds.',
        sent: 'What you sent may have arrived, or not. Go back and look before you send it again.',
        again: 'Try again',
        reference: 'Reference: ',
    },
    es: {
        titles: {
            429: 'Demasiadas peticiones',
            503: 'No disponible ahora',
            504: 'Tarda demasiado',
        },
        details: {
            429: 'Han llegado demasiadas peticiones desde tu red en un minuto.',
            503: 'Esta parte de Tools Dashboard no responde. Inténtalo de nuevo en un momento.',
            504: 'Esta parte de Tools Dashboard no respondió a tiempo. Inténtalo en un momento.',
        },
        reloads: 'Esta página se vuelve a cargar sola cada ' + SECONDS_TO_RELOAD + ' segundos.',
        sent: 'Puede que lo que enviaste haya llegado, o no. Vuelve y míralo antes de repetirlo.',
        again: 'Intentar de nuevo',
        reference: 'Referencia: ',
    },
};

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-content: center;
       color: light-dark(#161b22, #e8ecf1); background: light-dark(#f6f7f9, #101418); }
main { max-width: 32rem; margin: 1rem; padding: 2rem; border-radius: 0.625rem;
       background: light-dark(#ffffff, #181d23); border: 1px solid light-dark(#d9dee5, #2e3740); }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.75rem; }
p { margin: 0 0 0.75rem; }
a { color: light-dark(#0b5fbf, #6db3f8); }
small { color: light-dark(#525c69, #a4afbb); overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid light-dark(#0b5fbf, #ffd166); outline-offset: 2px; }
`;

// Whether this answer of the gateway is read by a person: a page of a front was asked for.
function is_read_by_a_person(r, status) {
    return TEXTS.en.titles[status] !== undefined &&
        (r.variables.service || '').startsWith('front-') &&
        (r.headersIn['Accept'] || '').includes('text/html');
}

// The page in the language that the browser asks for, else in English. It loads itself again, but
// where a form was sent: that would ask for the page without the form.
function page(r, status) {
    const language = language_of(r.headersIn['Accept-Language'] || '');
    const texts = TEXTS[language];
    const nonce = r.variables.request_id;
    const reloads = r.method === 'GET' || r.method === 'HEAD';
    if (reloads) {
        r.headersOut['Refresh'] = String(SECONDS_TO_RELOAD);
    }
    r.headersOut['Content-Type'] = 'text/html; charset=utf-8';
    r.headersOut['Content-Security-Policy'] =
        `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors 'none'`;
    r.return(status, `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${texts.titles[status]} · Tools Dashboard</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
<h1>${texts.titles[status]}</h1>
<p>${texts.details[status]}</p>
<p>${reloads ? `${texts.reloads} <a href="">${texts.again}</a>` : texts.sent}</p>
<small>${texts.reference}${r.variables.correlation_id}</small>
</main>
</body>
</html>
`);
}

function language_of(accepted) {
    const ranked = accepted.split(',').map((it) => {
        const parts = it.trim().toLowerCase().split(/\s*;\s*q=/);
        return { tag: parts[0].slice(0, 2), quality: parts[1] === undefined ? 1 : Number(parts[1]) };
    }).filter((it) => TEXTS[it.tag] && it.quality > 0);
    ranked.sort((one, other) => other.quality - one.quality);
    return ranked.length ? ranked[0].tag : 'en';
}

export default { is_read_by_a_person, page };
