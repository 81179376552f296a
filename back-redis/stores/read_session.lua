-- Reads a session.
-- KEYS: session
-- Answers as `answer` does.
return answer('kept', KEYS[1])
