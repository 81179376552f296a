// The gateway's own errors as RFC 9457 problem details, the wait for a service that restarts, the
// refusal of what a service would refuse because of its load, and the times of a log line.

import page from 'page.js';

const PROBLEMS = {
    400: {
        code: 'invalid_request',
        title: 'Invalid request',
        detail: 'The request can not be read as HTTP, or its path is ambiguous.',
    },
    404: {
        code: 'not_found',
        title: 'Not found',
        detail: 'There is nothing at this path.',
    },
    405: {
        code: 'method_not_allowed',
        title: 'Method not allowed',
        detail: 'The gateway does not accept this method.',
    },
    413: {
        code: 'payload_too_large',
        title: 'Payload too large',
        detail: 'The body is larger than is taken.',
    },
    414: {
        code: 'uri_too_long',
        title: 'URI too long',
        detail: 'The request line is longer than is taken.',
    },
    429: {
        code: 'too_many_requests',
        title: 'Too many requests',
        detail: 'This address has sent too many requests; wait as Retry-After says.',
    },
    431: {
        code: 'headers_too_large',
        title: 'Headers too large',
        detail: 'The headers are larger than is taken.',
    },
    501: {
        code: 'transfer_encoding_not_supported',
        title: 'Transfer encoding not supported',
        detail: 'A body is taken as it is or chunked.',
    },
    503: {
        code: 'unavailable',
        title: 'Temporarily unavailable',
        detail: 'The service can not be reached at present.',
    },
    504: {
        code: 'timed_out',
        title: 'Timed out',
        detail: 'The service took too long; what it did is not known.',
    },
    505: {
        code: 'http_version_not_supported',
        title: 'HTTP version not supported',
        detail: 'This gateway speaks HTTP/1.0 and HTTP/1.1.',
    },
};
const OTHER_CLIENT_ERROR = {
    code: 'invalid_request',
    title: 'Invalid request',
    detail: 'The gateway does not accept this request.',
};
const OTHER_SERVER_ERROR = {
    code: 'internal_error',
    title: 'Internal error',
    detail: 'The request could not be forwarded.',
};
const OVERLOADED = {
    code: 'overloaded',
    title: 'Temporarily unavailable',
    detail: 'More requests arrive than can be answered; wait as Retry-After says.',
};
const SECONDS_TO_RECOVER = '2';
const SECONDS_OF_OVERLOAD = '1';

// Requests that may wait for one service. A restart takes about a second.
const WAITING_REQUESTS = 64;
const WAIT_MS = 3000;
const PAUSE_MS = 100;

// A service is sent this many times the requests that it accepts, so that it accepts more as soon
// as it can.
const SENT_FOR_ACCEPTED = 1.5;
// A service that accepted nothing still gets a fifth of its requests, as with the default of
// Envoy's admission control. With less, the share that it gets grows too slowly after an overload.
const LARGEST_SHARE = 0.8;
const COUNTED_MS = 500;
const FEWEST_COUNTED = 20;

function problem(r) {
    answer(r, Number(r.variables.status) || 404);
}

function answer(r, status) {
    const overloaded = status === 503 && (
        r.variables.shed === '1' || r.variables.limit_conn_status === 'REJECTED'
    );
    const meaning = overloaded ? OVERLOADED :
        PROBLEMS[status] || (status < 500 ? OTHER_CLIENT_ERROR : OTHER_SERVER_ERROR);
    if (status === 429) {
        r.headersOut['Retry-After'] = r.variables.seconds_to_wait;
    }
    if (status === 503) {
        r.headersOut['Retry-After'] = overloaded ? SECONDS_OF_OVERLOAD : SECONDS_TO_RECOVER;
    }
    r.headersOut['Cache-Control'] = 'no-store';
    if (page.is_read_by_a_person(r, status)) {
        page.page(r, status);
        return;
    }
    r.headersOut['Content-Type'] = 'application/problem+json';
    r.return(status, JSON.stringify({
        type: 'urn:tools-dashboard:problem:' + meaning.code,
        title: meaning.title,
        status: status,
        detail: meaning.detail,
        instance: (r.variables.request_uri || '').split('?')[0],
        code: meaning.code,
        correlation_id: r.variables.correlation_id,
    }));
}

// `1` for a share of the requests to a service that refused requests because of its load in the
// last second. Adaptive throttling, as in "Handling Overload", chapter 21 of Google's Site
// Reliability Engineering: the share grows until the service has few left to refuse.
function shed(r) {
    const service = r.variables.service;
    if (r.variables.counted_as !== service) {
        return '';
    }
    const requests = counted(service + ' requests');
    const accepted = counted(service + ' accepted');
    const refused = (requests - SENT_FOR_ACCEPTED * accepted) / (requests + 1);
    const share = Math.min(refused, LARGEST_SHARE);
    if (requests < FEWEST_COUNTED || Math.random() >= share) {
        return '';
    }
    count(service + ' requests');
    return '1';
}

// A request counts once its answer is known: a slow service is not an overloaded one. One that is
// shed was counted there.
function count_answer(r) {
    if (r.variables.shed === '1') {
        return;
    }
    const service = r.variables.service;
    count(service + ' requests');
    if (!r.variables.upstream_http_x_overloaded) {
        count(service + ' accepted');
    }
}

// The number of the last one to two slots of time: the one before counts less as this one goes by.
function counted(what) {
    const now = Date.now() / COUNTED_MS;
    const slot = Math.floor(now);
    const answers = ngx.shared.answers;
    const before = answers.get(what + ' ' + (slot - 1)) || 0;
    return (answers.get(what + ' ' + slot) || 0) + before * (slot + 1 - now);
}

function count(what) {
    ngx.shared.answers.incr(what + ' ' + Math.floor(Date.now() / COUNTED_MS), 1, 0);
}

// The service has received nothing over a refused connection, so the request may be sent again.
async function wait_for_service(r) {
    const waiting = ngx.shared.waiting;
    const service = r.variables.service;
    const connects = (r.variables.upstream_connect_time || '-').split(/[,:] */);
    const refused = connects[connects.length - 1] === '-';
    if (!refused || r.variables.waited) {
        unavailable(r);
        return;
    }
    const count = waiting.incr(service, 1, 0);
    try {
        if (count > WAITING_REQUESTS) {
            unavailable(r);
            return;
        }
        const end = Date.now() + WAIT_MS;
        while (Date.now() < end) {
            await pause(PAUSE_MS * (0.5 + Math.random()));
            const live = await r.subrequest('/gateway/listening/' + service);
            if (live.status !== 502) {
                r.variables.waited = '1';
                r.internalRedirect(r.variables.request_uri);
                return;
            }
        }
    } finally {
        waiting.incr(service, -1, 0);
    }
    unavailable(r);
}

function pause(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function unavailable(r) {
    answer(r, 503);
}

function now(r) {
    return new Date(Number(r.variables.msec) * 1000).toISOString();
}

function milliseconds(r) {
    return Math.round(Number(r.variables.request_time) * 1000);
}

export default { problem, wait_for_service, shed, count_answer, now, milliseconds };
