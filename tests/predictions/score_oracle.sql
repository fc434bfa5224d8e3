-- Every sum about tutors, counted from the rows by hand: the oracle the metrics are held against.
-- Parameters: %(at)s the moment, %(days)s the window (NULL: all time). One row per tutor and sum.
WITH ends AS (
    SELECT s.id, f.status, f.recorded_at, f.engagement, f.objectives_met,
           f.tutor_joined_at, f.actual_start, f.actual_end
    FROM tutoring_sessions_tutoringsession s
    JOIN LATERAL (
        SELECT s.status, s.recorded_at, s.engagement, s.objectives_met, s.tutor_joined_at, s.actual_start, s.actual_end
        WHERE s.recorded_at <= %(at)s
        UNION ALL
        SELECT r.state ->> 'status', r.recorded_at, (r.state ->> 'engagement')::float8,
               (r.state ->> 'objectives_met')::bool, (r.state ->> 'tutor_joined_at')::timestamptz,
               (r.state ->> 'actual_start')::timestamptz, (r.state ->> 'actual_end')::timestamptz
        FROM tutoring_sessions_factrevision r
        WHERE r.entity = 'sessions' AND r.fact_id = s.id AND r.recorded_at <= %(at)s AND %(at)s < r.superseded_at
    ) f ON f.status NOT IN ('scheduled', 'in_progress')
),
session AS (
    SELECT s.*, s.scheduled_start + s.duration_minutes * interval '1 minute' AS planned_end,
           (SELECT e.kind = 'leave_start' FROM tutoring_sessions_tutorevent e
            WHERE e.tutor_id = s.tutor_id AND e.kind IN ('leave_start', 'leave_end')
              AND e.occurred_at <= s.scheduled_start AND e.recorded_at <= %(at)s
            ORDER BY e.occurred_at DESC, e.kind = 'leave_start' DESC LIMIT 1) IS TRUE AS on_leave
    FROM tutoring_sessions_tutoringsession s
),
met AS (
    SELECT s.id, s.tutor_id, s.student_id, s.scheduled_start, s.external_id, s.on_leave,
           s.planned_end AS happened, e.status, e.engagement, e.objectives_met,
           greatest(extract(epoch FROM coalesce(e.tutor_joined_at, e.actual_start) - s.scheduled_start), 0)
               * CASE WHEN coalesce(e.tutor_joined_at, e.actual_start) IS NOT NULL THEN 1 END AS late,
           CASE WHEN e.actual_end IS NOT NULL
                THEN greatest(extract(epoch FROM s.planned_end - e.actual_end), 0) END AS early
    FROM ends e JOIN session s ON s.id = e.id
    WHERE e.status IN ('completed', 'no_show_tutor', 'no_show_student') AND s.planned_end <= %(at)s
),
requests AS (
    SELECT DISTINCT ON (f.session_id) f.session_id, f.initiator, f.requested_at
    FROM (
        SELECT m.session_id, m.initiator, m.requested_at, m.recorded_at FROM tutoring_sessions_reschedule m
        WHERE m.recorded_at <= %(at)s
        UNION ALL
        SELECT (r.state ->> 'session_id')::bigint, r.state ->> 'initiator', (r.state ->> 'requested_at')::timestamptz,
               r.recorded_at
        FROM tutoring_sessions_factrevision r
        WHERE r.entity = 'reschedules' AND r.recorded_at <= %(at)s AND %(at)s < r.superseded_at
    ) f
    WHERE f.requested_at <= %(at)s
    ORDER BY f.session_id, greatest(f.requested_at, f.recorded_at) DESC, f.recorded_at DESC, f.requested_at DESC
),
moved AS (
    SELECT s.tutor_id, s.on_leave, q.requested_at AS happened, q.initiator, s.scheduled_start - q.requested_at AS notice
    FROM requests q JOIN session s ON s.id = q.session_id
    WHERE NOT EXISTS (SELECT FROM met WHERE met.id = s.id)
),
bare AS (
    SELECT s.tutor_id, s.on_leave, least(first.known, s.scheduled_start) AS happened
    FROM ends e JOIN session s ON s.id = e.id
    JOIN LATERAL (
        SELECT min(known) AS known FROM (
            SELECT e.recorded_at AS known
            UNION ALL
            SELECT r.recorded_at FROM tutoring_sessions_factrevision r
            WHERE r.entity = 'sessions' AND r.fact_id = s.id AND r.recorded_at <= %(at)s
              AND r.state ->> 'status' IN ('rescheduled', 'cancelled')
        ) known
    ) first ON true
    WHERE e.status IN ('rescheduled', 'cancelled') AND NOT EXISTS (SELECT FROM requests q WHERE q.session_id = s.id)
),
ratings AS (
    SELECT s.id, s.tutor_id, f.rating, f.submitted_at AS happened
    FROM (
        SELECT m.session_id, m.rating, m.submitted_at, m.recorded_at FROM tutoring_sessions_feedback m
        WHERE m.author = 'student' AND m.recorded_at <= %(at)s
        UNION ALL
        SELECT (r.state ->> 'session_id')::bigint, (r.state ->> 'rating')::int,
               (r.state ->> 'submitted_at')::timestamptz, r.recorded_at
        FROM tutoring_sessions_factrevision r
        WHERE r.entity = 'feedback' AND r.state ->> 'author' = 'student'
          AND r.recorded_at <= %(at)s AND %(at)s < r.superseded_at
    ) f JOIN session s ON s.id = f.session_id
    WHERE f.submitted_at <= %(at)s
),
firsts AS (
    SELECT DISTINCT ON (tutor_id, student_id) id, tutor_id, happened FROM met WHERE status = 'completed'
    ORDER BY tutor_id, student_id, scheduled_start, external_id COLLATE "C"
),
students AS (
    SELECT DISTINCT ON (tutor_id, student_id) tutor_id, happened,
           count(*) OVER (PARTITION BY tutor_id, student_id) AS meetings
    FROM met WHERE status = 'completed'
    ORDER BY tutor_id, student_id, scheduled_start DESC, external_id COLLATE "C" DESC
),
answers AS (
    SELECT tutor_id, occurred_at AS happened, value FROM tutoring_sessions_tutorevent
    WHERE kind = 'message_response' AND value IS NOT NULL AND occurred_at <= %(at)s AND recorded_at <= %(at)s
),
counted (tutor_id, happened, sum, value) AS (
    SELECT tutor_id, happened, 'resolved', 1.0 FROM met
    UNION ALL SELECT tutor_id, happened, 'resolved', 1 FROM moved
    UNION ALL SELECT tutor_id, happened, 'resolved', 1 FROM bare
    UNION ALL SELECT tutor_id, happened, 'excused', 1 FROM met WHERE on_leave
    UNION ALL SELECT tutor_id, happened, 'excused', 1 FROM moved WHERE on_leave
    UNION ALL SELECT tutor_id, happened, 'excused', 1 FROM bare WHERE on_leave
    UNION ALL SELECT tutor_id, happened, 'excused_moves_tutor', 1 FROM moved WHERE on_leave AND initiator = 'tutor'
    UNION ALL SELECT tutor_id, happened, 'excused_no_shows_tutor', 1 FROM met WHERE on_leave AND status = 'no_show_tutor'
    UNION ALL SELECT tutor_id, happened, 'completed', 1 FROM met WHERE status = 'completed'
    UNION ALL SELECT tutor_id, happened, 'no_shows_tutor', 1 FROM met WHERE status = 'no_show_tutor'
    UNION ALL SELECT tutor_id, happened, 'no_shows_student', 1 FROM met WHERE status = 'no_show_student'
    UNION ALL SELECT tutor_id, happened, 'start_known', 1 FROM met WHERE status = 'completed' AND late IS NOT NULL
    UNION ALL SELECT tutor_id, happened, 'late_starts', 1 FROM met WHERE status = 'completed' AND late > 300
    UNION ALL SELECT tutor_id, happened, 'late_seconds', late FROM met WHERE status = 'completed'
    UNION ALL SELECT tutor_id, happened, 'end_known', 1 FROM met WHERE status = 'completed' AND early IS NOT NULL
    UNION ALL SELECT tutor_id, happened, 'early_ends', 1 FROM met WHERE status = 'completed' AND early > 600
    UNION ALL SELECT tutor_id, happened, 'objectives_known', 1 FROM met
              WHERE status = 'completed' AND objectives_met IS NOT NULL
    UNION ALL SELECT tutor_id, happened, 'objectives_met', 1 FROM met WHERE status = 'completed' AND objectives_met
    UNION ALL SELECT tutor_id, happened, 'engagement_known', 1 FROM met
              WHERE status = 'completed' AND engagement IS NOT NULL
    UNION ALL SELECT tutor_id, happened, 'engagement', engagement FROM met WHERE status = 'completed'
    UNION ALL SELECT tutor_id, happened, 'moves', 1 FROM moved
    UNION ALL SELECT tutor_id, happened, 'moves', 1 FROM bare
    UNION ALL SELECT tutor_id, happened, 'moves_tutor', 1 FROM moved WHERE initiator = 'tutor'
    UNION ALL SELECT tutor_id, happened, 'moves_short_notice', 1 FROM moved
              WHERE initiator = 'tutor' AND notice < interval '24 hours'
    UNION ALL SELECT tutor_id, happened, 'rated', 1 FROM ratings
    UNION ALL SELECT tutor_id, happened, 'rating', rating FROM ratings
    UNION ALL SELECT tutor_id, happened, 'rating_squares', rating * rating FROM ratings
    UNION ALL SELECT tutor_id, happened, 'first_sessions', 1 FROM firsts
    UNION ALL SELECT r.tutor_id, r.happened, 'first_rated', 1 FROM ratings r JOIN firsts USING (id)
    UNION ALL SELECT r.tutor_id, r.happened, 'first_good', 1 FROM ratings r JOIN firsts USING (id) WHERE rating >= 4
    UNION ALL SELECT r.tutor_id, r.happened, 'first_poor', 1 FROM ratings r JOIN firsts USING (id) WHERE rating < 3
    UNION ALL SELECT tutor_id, happened, 'students', 1 FROM students
    UNION ALL SELECT tutor_id, happened, 'repeat_students', 1 FROM students WHERE meetings > 1
    UNION ALL SELECT tutor_id, happened, 'responses', 1 FROM answers
    UNION ALL SELECT tutor_id, happened, 'response_minutes', value FROM answers
)
SELECT tutor_id, sum, sum(value)::float8 FROM counted
WHERE %(days)s IS NULL OR happened > %(at)s - %(days)s * interval '1 day'
GROUP BY tutor_id, sum
