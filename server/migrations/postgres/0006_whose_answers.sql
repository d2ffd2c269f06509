-- Kept answers say whose they are since 0001; the numbers of both backends go on in step.
SELECT 1;
