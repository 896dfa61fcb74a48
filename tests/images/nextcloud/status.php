<?php
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
header('Content-Type: application/json');

function visits_in_mysql(): int {
    $db = new mysqli(getenv('MYSQL_HOST'), getenv('MYSQL_USER'), getenv('MYSQL_PASSWORD'), getenv('MYSQL_DATABASE'));
    $db->query('CREATE TABLE IF NOT EXISTS visits (id INT AUTO_INCREMENT PRIMARY KEY)');
    $db->query('INSERT INTO visits VALUES ()');
    return $db->insert_id;
}

function visits_in_postgres(): int {
    $where = 'pgsql:host=' . getenv('POSTGRES_HOST') . ';dbname=' . getenv('POSTGRES_DB');
    $db = new PDO($where, getenv('POSTGRES_USER'), getenv('POSTGRES_PASSWORD'));
    $db->exec('CREATE TABLE IF NOT EXISTS visits (id SERIAL PRIMARY KEY)');
    return $db->query('INSERT INTO visits DEFAULT VALUES RETURNING id')->fetchColumn();
}

function visits_in_redis(): int {
    $cache = new Redis();
    $cache->connect(getenv('REDIS_HOST'), 6379, 2);
    return $cache->incr('visits');
}

try {
    $visits = getenv('POSTGRES_HOST') ? visits_in_postgres() : visits_in_mysql();
    $cached = getenv('REDIS_HOST') ? visits_in_redis() : null;
    file_put_contents('data/visits', $visits);
    echo json_encode(['installed' => true, 'database' => $visits, 'cache' => $cached]);
} catch (Exception $error) {
    http_response_code(503);
    echo json_encode(['installed' => false, 'error' => $error->getMessage()]);
}
